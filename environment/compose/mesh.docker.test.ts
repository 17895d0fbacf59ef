/** Bookinfo in containers: captured without knowing it, routed, cut off without a sidecar, and gone without a trace. Needs a Docker engine. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Exchange } from '#api/exchange.ts';
import { bookinfo } from '../bookinfo.ts';
import { type Environment, startEnvironment } from '../environment.ts';
import { docker, networkNames } from './engine.ts';

const NAME = `docker-${process.pid}`;
const CANARY = `apiVersion: networking.istio.io/v1beta1
kind: VirtualService
metadata:
  name: reviews-canary
spec:
  hosts:
  - reviews
  http:
  - route:
    - destination:
        host: reviews
        subset: v1
      weight: 90
    - destination:
        host: reviews
        subset: v2
      weight: 10
---
apiVersion: networking.istio.io/v1beta1
kind: DestinationRule
metadata:
  name: reviews-destination
spec:
  host: reviews
  subsets:
  - name: v1
    labels:
      version: v1
  - name: v2
    labels:
      version: v2
`;

let mesh: Environment;

const containersOf = async (service = ''): Promise<string[]> => {
  const label = (key: string, value: string): string[] => ['--filter', `label=com.docker.compose.${key}=${value}`];
  const found = await docker(['ps', '-aq', ...label('project', `dinghy-${NAME}`), ...(service === '' ? [] : label('service', service))]);
  return found.split('\n').filter((id) => id !== '');
};
const containerOf = async (service: string): Promise<string> => (await containersOf(service))[0] ?? '';
/** What a program prints in the container of a workload's own program. */
const runIn = async (service: string, program: string): Promise<string> =>
  docker(['exec', await containerOf(service), '/bin/node', '--input-type=module', '-e', program]);

/** Settles with the records of one request when that many sidecars have written theirs. */
const recordsOf = (requestId: string, count: number): Promise<Exchange[]> =>
  new Promise((resolve) => {
    const records: Exchange[] = [];
    const stop = mesh.exchanges.subscribe((exchange) => {
      if (exchange.requestId !== requestId || records.push(exchange) < count) return;
      stop();
      resolve(records);
    });
  });

beforeAll(async () => {
  mesh = await startEnvironment(bookinfo, { mode: 'compose', dataPlane: 'dinghy', name: NAME });
}, 300_000);

afterAll(() => mesh?.[Symbol.asyncDispose](), 60_000);

test('a page comes through the published port of the gateway', async () => {
  const answer = await fetch(`${mesh.gateways[0]?.url}/productpage`);
  expect(answer.status).toBe(200);
  expect(await answer.text()).toContain('Reviewer1');
});

test('what a program dials by name passes both sidecars, though it was told of none', async () => {
  const records = recordsOf('passes-both', 2);
  const program = `console.log((await fetch('http://ratings:9080/ratings/7', { headers: { 'x-request-id': 'passes-both' } })).status)`;
  expect(await runIn('reviews-v2-app', program)).toBe('200');
  const sides = (await records).map(({ reporter, side, cluster, upstreamHost, downstreamLocal }) => ({
    reporter,
    side,
    cluster,
    upstreamHost,
    downstreamLocal,
  }));
  const ratings = mesh.workloads.find(({ name }) => name === 'ratings-v1')?.address;
  const vip = (await mesh.vips())['ratings.default.svc.cluster.local'];
  expect(sides).toHaveLength(2);
  expect(sides).toContainEqual({
    reporter: 'reviews-v2',
    side: 'outbound',
    cluster: 'outbound|9080||ratings.default.svc.cluster.local',
    upstreamHost: `${ratings}:9080`,
    downstreamLocal: `${vip}:9080`,
  });
  expect(sides).toContainEqual({
    reporter: 'ratings-v1',
    side: 'inbound',
    cluster: 'inbound|9080||',
    upstreamHost: '127.0.0.1:9080',
    downstreamLocal: `${ratings}:9080`,
  });
});

test('the rules were there before the sidecar, and the sidecar before the program', async () => {
  const when = async (service: string, moment: string): Promise<number> =>
    Date.parse(await docker(['inspect', '--format', `{{.State.${moment}}}`, await containerOf(service)]));
  const initEnded = await when('reviews-v1-init', 'FinishedAt');
  const sidecarStarted = await when('reviews-v1-sidecar', 'StartedAt');
  expect(await docker(['inspect', '--format', '{{.State.ExitCode}}', await containerOf('reviews-v1-init')])).toBe('0');
  expect(initEnded).toBeLessThanOrEqual(sidecarStarted);
  expect(sidecarStarted).toBeLessThanOrEqual(await when('reviews-v1-app', 'StartedAt'));
});

test('a canary gets its tenth', async () => {
  const { problems, version } = await mesh.applyYaml(CANARY);
  expect(problems).toEqual([]);
  await mesh.waitForVersion(version);
  const program = `const seen = {};
    for (let i = 0; i < 400; i++) {
      const { version } = await (await fetch('http://reviews:9080/reviews/0')).json();
      seen[version] = (seen[version] ?? 0) + 1;
    }
    console.log(JSON.stringify(seen));`;
  const { v1 = 0, v2 = 0, ...others } = JSON.parse(await runIn('productpage-v1-app', program)) as Record<string, number>;
  expect(others).toEqual({});
  expect(v1 + v2).toBe(400);
  // A tenth of 400, four standard deviations (6) either way.
  expect(v2).toBeGreaterThan(16);
  expect(v2).toBeLessThan(64);
}, 60_000);

test('a service that is added later has a name at once', async () => {
  const { version } = await mesh.applyYaml(`apiVersion: v1
kind: Service
metadata: {name: scores}
spec: {selector: {app: ratings}, ports: [{port: 9080, name: http}]}
`);
  await mesh.waitForVersion(version);
  await mesh.vips();
  expect(await runIn('reviews-v2-app', `console.log((await fetch('http://scores:9080/ratings/7')).status)`)).toBe('200');
});

test('without its sidecar a program reaches nobody', async () => {
  await docker(['kill', await containerOf('reviews-v2-sidecar')]);
  const program = `console.log(await fetch('http://ratings:9080/ratings/7').then(({ status }) => status, ({ cause }) => cause.code))`;
  expect(await runIn('reviews-v2-app', program)).toBe('ECONNREFUSED');
});

test('taken down, it leaves neither containers nor networks', async () => {
  await mesh[Symbol.asyncDispose]();
  expect(await containersOf()).toEqual([]);
  expect((await networkNames()).filter((network) => network.includes(NAME))).toEqual([]);
}, 60_000);
