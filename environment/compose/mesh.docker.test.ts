/** Bookinfo in containers: captured without knowing it, routed, cut off without a sidecar, and gone without a trace. Needs a Docker engine. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Exchange } from '#api/exchange.ts';
import { bookinfo } from '../bookinfo.ts';
import { type Environment, startEnvironment } from '../environment.ts';
import { RUN_DIRECTORY } from '../run-file.ts';
import { imageName } from './compose-file.ts';
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

/** Every packet of a pod, as the kernel shows it to who may look: where a word was read, on loopback or between the pods, until it was on loopback. */
const CAPTURE = `
const { dlopen, getRawPointer } = require('node:ffi');
const { functions } = dlopen(null, {
  socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  recvfrom: { arguments: ['i32', 'pointer', 'u64', 'i32', 'pointer', 'pointer'], return: 'i64' },
});
const [AF_PACKET, SOCK_DGRAM, ALL, DONT_WAIT, LOOPBACK] = [17, 2, 0x0300, 0x40, 1];
const socket = functions.socket(AF_PACKET, SOCK_DGRAM, ALL);
const packet = Buffer.alloc(65536);
const from = Buffer.alloc(20);
const length = new Uint32Array([20]);
const seen = { loopback: 0, network: 0, records: 0 };
const look = () => {
  for (;;) {
    length[0] = 20;
    const bytes = Number(functions.recvfrom(socket, getRawPointer(packet), 65536n, DONT_WAIT, getRawPointer(from), getRawPointer(length)));
    if (bytes <= 0) break;
    const where = from.readInt32LE(4) === LOOPBACK ? 'loopback' : 'network';
    const text = packet.latin1Slice(0, bytes);
    if (text.includes('seen-on-the-wire')) seen[where]++;
    if (where === 'network' && /\x17\x03\x03/.test(text)) seen.records++;
  }
  if (seen.loopback > 0) return setTimeout(() => { console.log(JSON.stringify(seen)); process.exit(); }, 200);
  setTimeout(look, 5);
};
console.log('looking');
look();`;

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

test('every proxy has a certificate of its own; what it started with can be read by nobody else', async () => {
  const { leaves } = await mesh.identity.report();
  const holders = new Set(leaves.map(({ identity }) => identity));
  expect(holders).toContain('spiffe://cluster.local/ns/default/sa/bookinfo-ratings');
  const folder = join(RUN_DIRECTORY, NAME, 'identity/ratings-v1');
  for (const file of ['ratings-v1.json', 'ratings-v1.token'])
    expect(statSync(join(folder, file))).toMatchObject({ uid: 1337, mode: 0o100600 });
  expect(readdirSync(folder).sort()).toEqual(['ratings-v1.json', 'ratings-v1.token', 'roots.pem']);
});

test('what the program is told in plain text was unreadable between the pods', async () => {
  const network = `container:${await containerOf('ratings-v1')}`;
  const about = ['--network', network, '--user', '0:0', '--cap-drop', 'ALL', '--cap-add', 'NET_RAW'];
  const id = await docker(['run', '--detach', ...about, imageName('node'), '--disable-warning=ExperimentalWarning', '-e', CAPTURE]);
  try {
    await expect.poll(() => docker(['logs', id]), { timeout: 20_000 }).toContain('looking');
    const records = recordsOf('seen-on-the-wire', 2);
    const program = `console.log((await fetch('http://ratings:9080/ratings/7', { headers: { 'x-request-id': 'seen-on-the-wire' } })).status)`;
    expect(await runIn('reviews-v2-app', program)).toBe('200');
    for (const { security } of await records) expect(security).toBe('mutual_tls');
    await docker(['wait', id]);
    const seen = JSON.parse((await docker(['logs', id])).split('\n').at(-1) ?? '') as Record<string, number>;
    expect(seen).toMatchObject({ network: 0 });
    expect(seen.loopback).toBeGreaterThan(0);
    expect(seen.records).toBeGreaterThan(0);
  } finally {
    await docker(['rm', '--force', id]);
  }
}, 60_000);

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

test('started again it gets another certificate, though its token was good once', async () => {
  const serials = async (): Promise<string[]> =>
    (await mesh.identity.report()).leaves.filter(({ holder }) => holder.includes('reviews-v2')).map(({ serial }) => serial);
  const before = await serials();
  await docker(['start', await containerOf('reviews-v2-sidecar')]);
  await expect.poll(serials, { timeout: 20_000 }).not.toEqual(before);
  const records = recordsOf('started-again', 1);
  const program = `for (;;) {
    const answer = await fetch('http://ratings:9080/ratings/7', { headers: { 'x-request-id': 'started-again' } }).catch(() => undefined);
    if (answer?.ok) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }`;
  await runIn('reviews-v2-app', program);
  expect((await records)[0]).toMatchObject({ security: 'mutual_tls' });
}, 60_000);

test('taken down, it leaves neither containers nor networks, nor a file', async () => {
  await mesh[Symbol.asyncDispose]();
  expect(await containersOf()).toEqual([]);
  expect((await networkNames()).filter((network) => network.includes(NAME))).toEqual([]);
  expect(existsSync(join(RUN_DIRECTORY, NAME))).toBe(false);
}, 60_000);
