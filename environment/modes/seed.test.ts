/** What is left to chance, in both worlds. */
import { expect, test } from 'vitest';
import type { Exchange } from '#api/exchange.ts';
import type { Environment, EnvironmentOptions } from '../mode.ts';
import { askCallee, twoVersions } from '../two-versions.fixture.ts';
import { startProcessMode } from './process.ts';
import { startSimulationMode } from './simulation.ts';

const RULES = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: callee }
spec:
  host: callee
  trafficPolicy: { loadBalancer: { simple: RANDOM } }
  subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: callee }
spec:
  hosts: [callee]
  http:
    - match: [{ uri: { prefix: /x } }]
      fault: { abort: { httpStatus: 418, percentage: { value: 20 } } }
      retries: { attempts: 2, retryOn: 5xx }
      route:
        - { destination: { host: callee, subset: v1 }, weight: 70 }
        - { destination: { host: callee, subset: v2 }, weight: 30 }
`;

const REQUESTS = 24;

/** What the caller's proxy told of each request: where it went, with which status, and how long each retry waited. */
const told = async (environment: Environment): Promise<string[]> => {
  const { version } = await environment.applyYaml(RULES);
  await environment.waitForVersion(version);
  const exchanges: Exchange[] = [];
  const stop = environment.exchanges.subscribe((exchange) => {
    if (exchange.side === 'outbound') exchanges.push(exchange);
  });
  for (let n = 1; n <= REQUESTS; n++) {
    // Every fifth fails twice and so has two back-offs.
    const behave = n % 5 === 0 ? 'x-lab-behave: fail=503\r\n' : '';
    const connection = await askCallee(environment, `connection: close\r\n${behave}`);
    connection.resume();
    await environment.advance?.(1000);
    await expect.poll(() => exchanges.length, { timeout: 10_000, interval: 2 }).toBe(n);
    connection.destroy();
  }
  stop();
  return exchanges.map(({ cluster, status, attemptLog }) => {
    const waits = attemptLog.flatMap(({ waited }) => (waited === undefined ? [] : [waited]));
    return `${/v\d/.exec(cluster)?.[0] ?? '-'} ${status} ${waits.join()}`;
  });
};

const simulated = async (options: Partial<EnvironmentOptions> = {}): Promise<string[]> => {
  await using environment = await startSimulationMode(twoVersions, { mode: 'simulation', dataPlane: 'dinghy', seed: 7, ...options });
  return await told(environment);
};

test('a seed gives the same weights, faults and back-offs in the simulation and in processes', { timeout: 90_000 }, async () => {
  const name = `seeded-${process.pid}`;
  await using environment = await startProcessMode(twoVersions, { mode: 'process', dataPlane: 'dinghy', name, seed: 7 });
  const [inProcesses, inMemory, again, otherwise] = [
    await told(environment),
    await simulated(),
    await simulated(),
    await simulated({ seed: 8 }),
  ];
  expect(inProcesses).toEqual(inMemory);
  expect(again).toEqual(inMemory);
  expect(otherwise).not.toEqual(inMemory);
  expect(new Set(inMemory.map((line) => line.slice(0, 6)))).toEqual(new Set(['v1 200', 'v2 200', 'v1 503', 'v2 503', '- 418 ']));
});
