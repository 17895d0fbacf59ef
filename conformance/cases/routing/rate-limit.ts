/** A proxy's own bucket of tokens: what is let through, what is turned away, and when there is more. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectContains, expectEqual } from '../../expect.ts';
import { among, everythingTo, filter, program, resources } from '../alone.ts';
import { BEHAVE, header } from '../echoed.ts';
import { freshKey } from '../held.ts';
import { until } from '../waiting.ts';
import { REVIEWS } from './reviews.ts';

const SOURCE = 'Envoy local rate limit filter';
const TYPE = 'type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit';
const ON = 'filter_enabled: { default_value: { numerator: 100 } }, filter_enforced: { default_value: { numerator: 100 } }';
const NAME = 'envoy.filters.http.local_ratelimit';

const limit = (bucket: string, more = ''): string =>
  filter(NAME, 'local_ratelimit.v3.LocalRateLimit', `stat_prefix: few, token_bucket: ${bucket}, ${ON}, ${more}`);

/** TRAF-RATE-001 to 004. */
export const rateLimits: readonly ConformanceCase[] = [
  defineCase({
    id: 'TRAF-RATE-001',
    claim: 'Three tokens let three requests pass; the fourth is 429 "local_rate_limited" with RL, and the program never hears of it.',
    source: `${SOURCE}: token_bucket.max_tokens`,
    profile: 'core',
    apply: '',
    killedBy: ['MUT-TOKENS-OFF-BY-ONE'],
    labs: [],
    async run(mesh) {
      const bucket = '{ max_tokens: 3, tokens_per_fill: 3, fill_interval: 3600s }';
      await using lone = await mesh.alone(
        resources(
          [{ routes: everythingTo('app'), filters: limit(bucket) }],
          [{ name: 'app', endpoints: among(program(mesh, 'reviews-v1')) }],
        ),
      );
      const statuses: number[] = [];
      for (let i = 0; i < 5; i++) statuses.push((await lone.send({ path: `/${i}` })).status);
      expectEqual('statuses', statuses, [200, 200, 200, 429, 429]);
      const refused = await lone.send({ path: '/last' });
      expectEqual('status and body', [refused.status, refused.body], [429, 'local_rate_limited']);
      expectContains('record', await lone.line('/last '), '429 RL local_rate_limited');
      const counted = await Promise.all(
        ['ok', 'rate_limited', 'enforced', 'enabled'].map((name) => lone.stat(`few.http_local_rate_limit.${name}`)),
      );
      expectEqual('ok, rate_limited, enforced, enabled', counted, [3, 3, 3, 6]);
      expectEqual('requests sent upstream', await lone.stat('cluster.app.upstream_rq_total'), 3);
    },
  }),
  defineCase({
    id: 'TRAF-RATE-002',
    claim: 'The bucket fills again by its interval, and never above its size.',
    source: `${SOURCE}: tokens_per_fill, fill_interval`,
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      const bucket = '{ max_tokens: 2, tokens_per_fill: 2, fill_interval: 1s }';
      await using lone = await mesh.alone(
        resources(
          [{ routes: everythingTo('app'), filters: limit(bucket) }],
          [{ name: 'app', endpoints: among(program(mesh, 'reviews-v1')) }],
        ),
      );
      const ask = async () => (await lone.send({ path: '/' })).status;
      await until('status of a request when the bucket is empty', ask, (status) => status === 429, '429');
      const later = async () => {
        await mesh.pass?.(100);
        return await ask();
      };
      await until('status of a request when it has filled', later, (status) => status === 200, '200');
      // Whatever time has gone by since, two are the most that it holds.
      const passed = [await ask(), await ask(), await ask()].filter((status) => status === 200).length;
      expectEqual('whether at most two more pass at once', passed <= 2, true);
    },
  }),
  defineCase({
    id: 'TRAF-RATE-003',
    claim: 'A route with a bucket of its own does not share: when it is empty the other routes still pass.',
    source: `${SOURCE}: typed_per_filter_config`,
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      const own = `typed_per_filter_config: { ${NAME}: { "@type": ${TYPE}, stat_prefix: own, token_bucket: { max_tokens: 1, fill_interval: 3600s }, ${ON} } }`;
      const routes = `[{ match: { prefix: /own }, route: { cluster: app }, ${own} }, { match: { prefix: / }, route: { cluster: app } }]`;
      const off = filter(NAME, 'local_ratelimit.v3.LocalRateLimit', 'stat_prefix: none');
      await using lone = await mesh.alone(
        resources([{ routes, filters: off }], [{ name: 'app', endpoints: among(program(mesh, 'reviews-v1')) }]),
      );
      const statuses: number[] = [];
      for (const path of ['/own', '/own', '/other', '/other']) statuses.push((await lone.send({ path })).status);
      expectEqual('statuses', statuses, [200, 429, 200, 200]);
      expectEqual('refusals counted', await lone.stat('own.http_local_rate_limit.rate_limited'), 1);
    },
  }),
  defineCase({
    id: 'TRAF-RATE-004',
    claim: "An EnvoyFilter limits what a workload takes, as Istio's sample has it: its own sidecar refuses with 429, RL, whoever asks.",
    source: 'Istio samples/ratelimit/local-rate-limit-service.yaml; EnvoyFilter HTTP_FILTER INSERT_BEFORE',
    profile: 'core',
    apply: `
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata:
  name: few
spec:
  workloadSelector: { labels: { app: reviews, version: v2 } }
  configPatches:
  - applyTo: HTTP_FILTER
    match: { context: SIDECAR_INBOUND, listener: { filterChain: { filter: { name: envoy.filters.network.http_connection_manager } } } }
    patch:
      operation: INSERT_BEFORE
      value:
        name: ${NAME}
        typed_config:
          "@type": type.googleapis.com/udpa.type.v1.TypedStruct
          type_url: ${TYPE}
          value:
            stat_prefix: http_local_rate_limiter
            token_bucket: { max_tokens: 4, tokens_per_fill: 4, fill_interval: 3600s }
            filter_enabled: { runtime_key: local_rate_limit_enabled, default_value: { numerator: 100, denominator: HUNDRED } }
            filter_enforced: { runtime_key: local_rate_limit_enforced, default_value: { numerator: 100, denominator: HUNDRED } }
            response_headers_to_add: [{ append_action: OVERWRITE_IF_EXISTS_OR_ADD, header: { key: x-local-rate-limit, value: "true" } }]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: reviews
spec:
  host: reviews
  subsets: [{ name: v2, labels: { version: v2 } }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
spec:
  hosts: [reviews]
  http:
  - route: [{ destination: { host: reviews, subset: v2 } }]
    retries: { attempts: 0 }
`,
    killedBy: ['MUT-TOKENS-OFF-BY-ONE'],
    labs: [],
    async run(mesh) {
      const answers = await mesh.sendInTurn({ url: REVIEWS, headers: { [BEHAVE]: `key=${freshKey()}` } }, 6);
      expectEqual(
        'statuses',
        answers.map(({ status }) => status),
        [200, 200, 200, 200, 429, 429],
      );
      const last = answers[5];
      expectEqual('body and field of the last', [last?.body, last && header(last, 'x-local-rate-limit')], ['local_rate_limited', 'true']);
      const { flags, details } = (await last?.told('reviews-v2')) ?? {};
      expectEqual("flags and details at the workload's sidecar", [flags, details], ['RL', 'local_rate_limited']);
      const visitor = await mesh.send({ from: 'visitor-v1', url: 'http://reviews.default:9080/' });
      expectEqual('whether others are served', [200, 429].includes(visitor.status), true);
    },
  }),
];
