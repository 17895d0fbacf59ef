import { expect, test } from 'vitest';
import type { Exchange } from '#api/exchange.ts';
import type { Environment, EnvironmentOptions } from '../mode.ts';
import { askCallee, twoVersions, workload } from '../two-versions.fixture.ts';
import { startSimulationMode } from './simulation.ts';

const OPTIONS: EnvironmentOptions = { mode: 'simulation', dataPlane: 'dinghy', seed: 7 };

/** What the caller's program gets for one request, with the virtual time that it took. */
const ask = async (environment: Environment, headers = ''): Promise<{ text: string; exchanges: readonly Exchange[] }> => {
  const exchanges: Exchange[] = [];
  const stop = environment.exchanges.subscribe((exchange) => exchanges.push(exchange));
  const connection = await askCallee(environment, headers);
  let text = '';
  connection.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1');
  });
  await environment.advance?.(1_000);
  connection.destroy();
  stop();
  return { text, exchanges };
};

const versionsOf = async (environment: Environment): Promise<string> => {
  const answers: string[] = [];
  for (let i = 0; i < 12; i++) answers.push(/"workload":"callee-(v\d)"/.exec((await ask(environment)).text)?.[1] ?? 'none');
  return answers.join(' ');
};

test('a request goes through both proxies to the program, and each tells of it', async () => {
  await using environment = await startSimulationMode(twoVersions, OPTIONS);
  const { text, exchanges } = await ask(environment);
  expect(text).toMatch(/^HTTP\/1\.1 200 .*"workload":"callee-v[12]"/s);
  expect(exchanges.map(({ side, reporter, status }) => [side, reporter.split('-')[0], status])).toEqual([
    ['inbound', 'callee', 200],
    ['outbound', 'caller', 200],
  ]);
});

test('a slow program costs virtual time only, to the millisecond', async () => {
  await using environment = await startSimulationMode(twoVersions, OPTIONS);
  const { exchanges } = await ask(environment, 'x-lab-behave: delay=750\r\n');
  expect(exchanges.map(({ durationMs }) => durationMs)).toEqual([750, 750]);
});

test('the same seed gives the same choices', async () => {
  await using first = await startSimulationMode(twoVersions, OPTIONS);
  await using second = await startSimulationMode(twoVersions, OPTIONS);
  const choices = await versionsOf(first);
  expect(new Set(choices.split(' '))).toEqual(new Set(['v1', 'v2']));
  expect(await versionsOf(second)).toBe(choices);
});

test('what is applied is in force once every proxy has acknowledged it, and gone when it is deleted', async () => {
  await using environment = await startSimulationMode(twoVersions, OPTIONS);
  const yaml = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: callee }
spec: { hosts: [callee], http: [{ directResponse: { status: 418 }, match: [{ uri: { prefix: / } }] }] }
`;
  const { problems, version } = await environment.applyYaml(yaml);
  expect(problems).toEqual([]);
  await environment.waitForVersion(version);
  expect((await ask(environment)).text).toMatch(/^HTTP\/1\.1 418 /);
  await environment.waitForVersion((await environment.deleteYaml(yaml)).version);
  expect((await ask(environment)).text).toMatch(/^HTTP\/1\.1 200 /);
});

test('admin pages are read over the network in memory', async () => {
  await using environment = await startSimulationMode(twoVersions, OPTIONS);
  expect(JSON.parse(await environment.admin('caller-v1', '/server_info'))).toMatchObject({ state: 'LIVE' });
});

test('Envoy and programs without a shell for it are refused', async () => {
  await expect(startSimulationMode(twoVersions, { ...OPTIONS, dataPlane: 'envoy' })).rejects.toThrow('not envoy');
  const other = { ...twoVersions, workloads: [{ ...workload('caller', 'v1'), program: 'sample-apps/bookinfo/details/main.ts' }] };
  await expect(startSimulationMode(other, OPTIONS)).rejects.toThrow('caller-v1 is sample-apps/bookinfo/details/main.ts');
});
