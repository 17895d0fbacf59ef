/** Real processes on loopback: what happens when the most important of them dies. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Environment } from '../mode.ts';
import { RUN_DIRECTORY } from '../run-file.ts';
import { askCallee, twoVersions } from '../two-versions.fixture.ts';
import { startProcessMode } from './process.ts';

const ONLY_V2 = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: callee }
spec: { host: callee, subsets: [{ name: v2, labels: { version: v2 } }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: callee }
spec: { hosts: [callee], http: [{ route: [{ destination: { host: callee, subset: v2 } }] }] }
`;

/** Which version answered. */
const ask = async (environment: Environment): Promise<string> => {
  const connection = await askCallee(environment, 'connection: close\r\n');
  let text = '';
  for await (const bytes of connection) text += (bytes as Buffer).toString('latin1');
  return /"workload":"callee-(v\d)"/.exec(text)?.[1] ?? text;
};

test('a control plane that is killed comes back with what was applied, and meanwhile nobody notices', { timeout: 60_000 }, async () => {
  const name = `killed-${process.pid}`;
  await using environment = await startProcessMode(twoVersions, { mode: 'process', dataPlane: 'dinghy', name });
  const { version } = await environment.applyYaml(ONLY_V2);
  await environment.waitForVersion(version);
  const { pid } = environment.controlPlane;
  process.kill(pid ?? 0, 'SIGKILL');
  const answers: string[] = [];
  await expect
    .poll(
      async () => {
        answers.push(await ask(environment));
        return environment.controlPlane.pid !== pid && (await environment.sync().catch(() => ({ version: 0 }))).version;
      },
      { interval: 5, timeout: 20_000 },
    )
    .toBe(version);
  await environment.waitForVersion(version);
  answers.push(await ask(environment));
  expect(new Set(answers)).toEqual(new Set(['v2']));
  const after = await environment.deleteYaml(ONLY_V2);
  expect(after.version).toBe(version + 1);
  await environment.waitForVersion(after.version);
  await environment[Symbol.asyncDispose]();
  expect(existsSync(join(RUN_DIRECTORY, name))).toBe(false);
});
