/** Who certifies survives its own death, and nothing secret survives the mesh. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RUN_DIRECTORY } from '../run-file.ts';
import { twoVersions } from '../two-versions.fixture.ts';
import { startProcessMode } from './process.ts';
import { startSimulationMode } from './simulation.ts';

test('a mesh of processes: private files, fresh tokens and the same root after a kill, and nothing left at the end', {
  timeout: 60_000,
}, async () => {
  const name = `identity-${process.pid}`;
  const directory = join(RUN_DIRECTORY, name);
  const tokenFile = join(directory, 'identity/caller-v1.token');
  {
    await using environment = await startProcessMode(twoVersions, { mode: 'process', dataPlane: 'dinghy', name, leafLifeSeconds: 60 });
    const identity = JSON.parse(readFileSync(join(directory, 'identity/caller-v1.json'), 'utf8')) as object;
    expect(identity).toMatchObject({ spiffeId: 'spiffe://cluster.local/ns/default/sa/caller', lifeSeconds: 60, tokenFile });
    for (const file of readdirSync(join(directory, 'identity')))
      expect(statSync(join(directory, 'identity', file)).mode & 0o777).toBe(0o600);
    const [root] = (await environment.identity.report()).roots;
    const token = readFileSync(tokenFile, 'utf8');
    const { pid } = environment.controlPlane;
    process.kill(pid ?? 0, 'SIGKILL');
    await expect.poll(() => readFileSync(tokenFile, 'utf8'), { timeout: 20_000, interval: 20 }).not.toBe(token);
    expect((await environment.identity.report()).roots).toEqual([root]);
  }
  expect(existsSync(directory)).toBe(false);
});

test('a change of roots goes through its steps in the simulated world, too', async () => {
  await using environment = await startSimulationMode(twoVersions, { mode: 'simulation', dataPlane: 'dinghy', leafLifeSeconds: 60 });
  const { identity, advance } = environment;
  await expect(identity.rotate('switch')).rejects.toThrow('begin one first');
  await identity.rotate('begin');
  await advance?.(100);
  await identity.rotate('switch');
  // Half of a life at most, and the moment in which a new certificate is put in force.
  await advance?.(61_000);
  await identity.rotate('finish');
  expect(await identity.report()).toMatchObject({ phase: 'steady', roots: [{ id: 'root2', isSigning: true }] });
});
