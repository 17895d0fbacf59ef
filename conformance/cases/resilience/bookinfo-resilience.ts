/** What labs 4 and 5 leave behind: these cases only look, so they run on a learner's mesh. Bookinfo's programs and the echo are asked to fail each in its own words. */
import { type Answer, type ConformanceCase, defineCase, type MeshUnderTest } from '../../define-case.ts';
import { expectBetween, expectContains, expectEqual, expectThat } from '../../expect.ts';
import { BEHAVE } from '../echoed.ts';
import { begin, freshKey } from '../held.ts';
import { everythingTo, REVIEWS } from '../routing/reviews.ts';
import { until, untilAbove, untilStat } from '../waiting.ts';

const asked = (bookinfo: string, echo = bookinfo): Record<string, string> => ({ 'rehearse-reviews': bookinfo, [BEHAVE]: echo });

/** The seed's timeouts and retries, unchanged. */
const SEED_RETRIES = `
apiVersion: networking.istio.io/v1beta1
kind: VirtualService
metadata:
  name: reviews-retries
spec:
  hosts:
    - reviews
  http:
    - route:
        - destination:
            host: reviews
      timeout: 10s
      retries:
        attempts: 3
        perTryTimeout: 2s
        retryOn: 5xx,reset,connect-failure
`;

const ONE_RETRY = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: reviews
spec:
  host: reviews
  trafficPolicy:
    connectionPool:
      http:
        maxRetries: 1
`;

const THREE_AND_TWO = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: reviews-circuit-breaker
spec:
  host: reviews
  subsets:
  - name: v1
    labels: { version: v1 }
    trafficPolicy:
      connectionPool:
        tcp: { maxConnections: 3 }
        http: { http1MaxPendingRequests: 2 }
${everythingTo('v1')}`;

const FIVE_STRIKES = `
apiVersion: networking.istio.io/v1beta1
kind: DestinationRule
metadata:
  name: reviews-circuit-breaker
spec:
  host: reviews
  trafficPolicy:
    loadBalancer:
      simple: ROUND_ROBIN
    outlierDetection:
      consecutive5xxErrors: 5
      interval: 10s
      baseEjectionTime: 30s
      maxEjectionPercent: 50
`;

const WHOLE = 'cluster.outbound|9080||reviews.default.svc.cluster.local';

const TOGETHER = 8;

const atOnce = (mesh: MeshUnderTest, count: number, headers: Readonly<Record<string, string>>): Promise<Answer>[] =>
  Array.from({ length: count }, () => mesh.send({ url: REVIEWS, headers }));

const CLUSTER = 'cluster.outbound|9080|v1|reviews.default.svc.cluster.local';
const OVERFLOWS = `${CLUSTER}.upstream_rq_pending_overflow`;

/** Who sat and waited is held at the program a moment later, so it is told again until all are answered. */
const letAllGo = async (mesh: MeshUnderTest, key: string, open: Promise<unknown>): Promise<void> => {
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  open.then(over, over);
  await until(
    'held requests',
    async () => {
      await mesh.program('reviews-v1', asked('release=9', `release=${key}`));
      return isOver;
    },
    (over) => over,
    'all answered',
  );
};

/** RES-RETRY-060 and 061, RES-BREAK-060, RES-EJECT-060. */
export const bookinfoResilience: readonly ConformanceCase[] = [
  defineCase({
    id: 'RES-RETRY-060',
    claim: 'attempts: 3 makes of a request that always fails four tries; its caller gets the last answer, flag URX.',
    source: 'seed: Retries & Timeouts; Istio HTTPRetry.attempts',
    profile: 'core',
    apply: SEED_RETRIES,
    killedBy: ['MUT-ATTEMPTS-ARE-TRIES'],
    labs: ['04-timeouts-retries#2', '04-timeouts-retries#5'],
    async run(mesh) {
      const answer = await mesh.send({ url: REVIEWS, headers: asked('fail=503') });
      expectEqual('status', answer.status, 503);
      const { flags, attempts } = await answer.told();
      expectEqual('flags and tries', [flags, attempts], ['URX', 4]);
    },
  }),
  defineCase({
    id: 'RES-RETRY-061',
    claim: 'With maxRetries 1, requests that fail together do not multiply: most are told so at once, flag UO.',
    source: 'Istio HTTPSettings.maxRetries; Envoy circuit breaking, max_retries',
    profile: 'core',
    apply: `${ONE_RETRY}---${SEED_RETRIES}`,
    killedBy: [],
    labs: ['04-timeouts-retries#6'],
    async run(mesh) {
      const answers = await Promise.all(atOnce(mesh, TOGETHER, asked('delay=300;fail=503')));
      const told = await Promise.all(answers.map((answer) => answer.told()));
      expectEqual('statuses', [...new Set(answers.map(({ status }) => status))], [503]);
      const refused = told.filter(({ flags }) => flags.includes('UO')).length;
      expectThat('requests whose retry was refused, UO', refused >= TOGETHER / 2, `at least ${TOGETHER / 2}`, refused);
      const tries = told.reduce((sum, { attempts }) => sum + attempts, 0);
      expectBetween(`tries of ${TOGETHER} requests`, tries, [TOGETHER, TOGETHER * 2.5]);
    },
  }),
  defineCase({
    id: 'RES-BREAK-060',
    claim:
      'Three places and two seats: of six requests that stay open one is refused at once, 503 and UO; another caller is served meanwhile.',
    source: 'Istio ConnectionPoolSettings; Envoy response flag UO; limits are per proxy',
    profile: 'core',
    apply: THREE_AND_TWO,
    killedBy: ['MUT-PENDING-OFF-BY-ONE', 'MUT-PENDING-IGNORED', 'MUT-CONNECTIONS-IGNORED'],
    labs: ['05-circuit-breaker#2', '05-circuit-breaker#4'],
    async run(mesh) {
      const before = await mesh.stat('productpage-v1', OVERFLOWS);
      const key = freshKey();
      const held = asked('hold', `hold=${key}`);
      const sent: Promise<Answer>[] = [];
      // One after another: a request that waits for its connection to open has a seat meanwhile.
      const send = (): void => void sent.push(...begin(mesh, 1, { url: REVIEWS, headers: held }));
      try {
        for (let places = 1; places <= 3; places++) {
          send();
          await untilStat(mesh, `${CLUSTER}.upstream_rq_active`, places);
        }
        for (let seats = 1; seats <= 2; seats++) {
          send();
          await untilStat(mesh, `${CLUSTER}.upstream_rq_pending_active`, seats);
        }
        send();
        await untilAbove(mesh, 'productpage-v1', OVERFLOWS, before);
        const other = await mesh.send({ from: 'reviews-v2', url: REVIEWS });
        expectEqual("status of another caller's", other.status, 200);
      } finally {
        await letAllGo(mesh, key, Promise.all(sent));
      }
      const answers = await Promise.all(sent);
      expectEqual('statuses', answers.map(({ status }) => status).sort(), [200, 200, 200, 200, 200, 503]);
      for (const refused of answers.filter(({ status }) => status === 503)) {
        expectContains('body of the refused one', refused.body, 'reset reason: overflow');
        expectEqual('its flags', (await refused.told()).flags, 'UO');
      }
    },
  }),
  defineCase({
    id: 'RES-EJECT-060',
    claim: 'A host that fails five times in a row is ejected at once: further requests go to the others, and none fails.',
    source: 'seed: Circuit Breaking; Istio OutlierDetection.consecutive5xxErrors; Envoy outlier detection, consecutive 5xx',
    profile: 'core',
    apply: FIVE_STRIKES,
    killedBy: [],
    labs: ['06-outlier-ejection#2', '06-outlier-ejection#4'],
    async run(mesh) {
      const headers = asked('fail=503;only=v1', 'fail=503;only=reviews-v1');
      // Five turns for each of three hosts; where v1 is out already nothing fails.
      for (let turn = 0; turn < 15; turn++) await mesh.send({ url: REVIEWS, headers });
      expectEqual('ejections that last', await mesh.stat('productpage-v1', `${WHOLE}.outlier_detection.ejections_active`), 1);
      const answers = await mesh.sendMany({ url: REVIEWS, headers }, 9);
      expectEqual('statuses of nine further requests', [...new Set(answers.map(({ status }) => status))], [200]);
      const servers = await Promise.all(answers.map((answer) => answer.servedBy()));
      expectEqual('who answered them', [...new Set(servers)].sort(), ['reviews-v2', 'reviews-v3']);
    },
  }),
];
