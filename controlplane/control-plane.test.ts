import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { simulatedSystem } from '#system/simulated-system.ts';
import { standInProxy } from './control-plane.fixture.ts';
import { type ControlPlaneOptions, startControlPlane } from './control-plane.ts';

const SERVICE = `
apiVersion: v1
kind: Service
metadata: { name: reviews }
spec: { ports: [{ port: 9080, name: http }], selector: { app: reviews } }
`;
const REVIEWS = 'outbound|9080||reviews.default.svc.cluster.local';
const CLIENT = { ip: '127.96.1.1', workload: 'client', labels: { app: 'client' }, endpointsOf: [REVIEWS] };
const SERVER = { ip: '127.96.1.2', workload: 'reviews-v1', labels: { app: 'reviews' } };

const setUp = async (options: ControlPlaneOptions = {}) => {
  const system = simulatedSystem();
  const controlPlane = await startControlPlane(options, system);
  onTestFinished(() => controlPlane.close());
  return { controlPlane, clock: system.clock };
};

test('what is applied reaches a connected proxy after a moment of quiet, and the status says when', async () => {
  const { controlPlane, clock } = await setUp();
  const proxy = standInProxy(controlPlane.openAds, CLIENT);
  await clock.advance(1000);
  const { version } = controlPlane.apply({ 'a.yaml': SERVICE });
  await clock.advance(99);
  expect(controlPlane.sync().proxies.map((each) => each.version)).toEqual([0]);
  await clock.advance(1);
  expect(proxy.version('cds')).toBe('1');
  expect(controlPlane.sync()).toMatchObject({ version, proxies: [{ workload: 'client', version }] });
  expect(Object.keys(controlPlane.vips())).toEqual(['reviews.default.svc.cluster.local']);
});

test('a workload is an endpoint as long as its proxy is connected', async () => {
  const { controlPlane, clock } = await setUp();
  controlPlane.apply({ 'a.yaml': SERVICE });
  const client = standInProxy(controlPlane.openAds, CLIENT);
  const server = standInProxy(controlPlane.openAds, SERVER);
  await clock.advance(1000);
  expect(client.endpoints()).toEqual(['127.96.1.2:9080']);
  server.stream.close();
  await clock.advance(10_000);
  expect(client.endpoints()).toEqual([]);
});

test('after a restart a proxy that comes back early keeps the endpoints of those who come back later', async () => {
  const { controlPlane, clock } = await setUp();
  controlPlane.apply({ 'a.yaml': SERVICE });
  const client = standInProxy(controlPlane.openAds, { ...CLIENT, version: '7' });
  await clock.advance(1500);
  standInProxy(controlPlane.openAds, { ...SERVER, version: '7' });
  await clock.advance(1999);
  expect(client.version('eds')).toBe('');
  await clock.advance(1);
  expect(client.endpoints()).toEqual(['127.96.1.2:9080']);
});

test('a control plane that kept its state starts again as it ended: same version, same documents, and nobody waits', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'state-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const stateFile = join(directory, 'state.json');
  const first = await setUp({ stateFile });
  standInProxy(first.controlPlane.openAds, SERVER);
  await first.clock.advance(10);
  const { version } = first.controlPlane.apply({ 'a.yaml': `# why\n${SERVICE}` });
  const { controlPlane, clock } = await setUp({ stateFile });
  expect(controlPlane.apply({ 'a.yaml': `# why\n${SERVICE}` })).toMatchObject({ version, applied: [{ outcome: 'unchanged' }] });
  const client = standInProxy(controlPlane.openAds, { ...CLIENT, version: '7' });
  await clock.advance(0);
  expect(client.endpoints()).toEqual(['127.96.1.2:9080']);
  // Whoever does not come back is gone in the end.
  await clock.advance(35_200);
  expect(client.endpoints()).toEqual([]);
});

test('a state file that cannot be understood is put aside, and the control plane starts with nothing', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'state-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const stateFile = join(directory, 'state.json');
  writeFileSync(stateFile, '{"version": 1');
  const { controlPlane } = await setUp({ stateFile });
  expect([controlPlane.mesh.version, readdirSync(directory)]).toEqual([0, ['state.json.unreadable']]);
});

test('long after the start a proxy that comes back is answered at once', async () => {
  const { controlPlane, clock } = await setUp();
  await clock.advance(15_000);
  const client = standInProxy(controlPlane.openAds, { ...CLIENT, version: '7' });
  await clock.advance(0);
  expect(client.version('cds')).toBe('0');
});

test('a refused document changes nothing and says why', async () => {
  const { controlPlane } = await setUp();
  const { applied, problems, version } = controlPlane.apply({
    'bad.yaml': 'apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: x }\nspec: { hosts: 5 }\n',
  });
  expect([applied, version, problems[0]?.severity]).toEqual([[], 0, 'error']);
});

test('a control plane that closes ends the streams of its proxies', async () => {
  const { controlPlane, clock } = await setUp();
  const proxy = standInProxy(controlPlane.openAds, CLIENT);
  await clock.advance(10);
  await controlPlane.close();
  expect(proxy.ends).toEqual(['the control plane has ended']);
});

test('over HTTP reading is free, changing wants the token, and foreign hosts get nothing', async () => {
  const { controlPlane } = await setUp({ httpAddress: { address: '127.0.0.1', port: 0 }, token: 'secret' });
  const base = `http://127.0.0.1:${controlPlane.httpAddress?.port}`;
  const body = JSON.stringify({ files: { 'a.yaml': SERVICE } });
  const apply = (headers: Record<string, string>) =>
    fetch(`${base}/apply`, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
  expect((await apply({})).status).toBe(401);
  expect((await apply({ authorization: 'Bearer secret', origin: 'http://evil.example' })).status).toBe(403);
  expect(await (await apply({ authorization: 'Bearer secret' })).json()).toMatchObject({ version: 1, applied: [{ outcome: 'created' }] });
  expect(await (await fetch(`${base}/debug/syncz`)).json()).toEqual({ version: 1, proxies: [] });
  expect((await fetch(`${base}/nothing`)).status).toBe(404);
});

test('an address that is taken is a rejection, and nothing stays open', async () => {
  const { controlPlane } = await setUp({ httpAddress: { address: '127.0.0.1', port: 0 } });
  const taken = controlPlane.httpAddress ?? { address: '', port: 0 };
  const xdsAddress = { address: '127.0.0.1', port: 0 };
  await expect(startControlPlane({ xdsAddress, httpAddress: taken }, simulatedSystem())).rejects.toThrow(/EADDRINUSE/);
});

test('the trust domain of a mesh with certificates stays what they say, and whoever names another is told', async () => {
  const map =
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata: {mesh: "trustDomain: other.example"}\n';
  const { controlPlane } = await setUp({ authority: { kind: 'simulated' } });
  expect(controlPlane.apply({ 'm.yaml': map }).problems).toMatchObject([{ severity: 'warning' }]);
  expect(controlPlane.mesh.config.trustDomain).toBe('cluster.local');
  const without = await setUp();
  expect(without.controlPlane.apply({ 'm.yaml': map }).problems).toEqual([]);
  expect(without.controlPlane.mesh.config.trustDomain).toBe('other.example');
});
