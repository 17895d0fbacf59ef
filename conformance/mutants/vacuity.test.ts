import { describe, expect, it } from 'vitest';
import { cases, verifyLive } from '../conformance.ts';
import type { LiveMesh } from '../drivers/live-mesh.ts';
import type { Verdict } from '../verify.ts';
import { passThroughMesh } from './pass-through.ts';

/** driver: whose case it says it is. */
const run = async (id: string, driver: LiveMesh['driver']): Promise<Verdict | undefined> => {
  await using wire = await passThroughMesh();
  const mesh = { ...wire, driver };
  let last: Verdict | undefined;
  for await (const verdict of verifyLive(mesh, { ids: [id] })) last = verdict;
  return last;
};

// What a wire to one program cannot do at all: reach a dead endpoint first, or a second version.
describe.concurrent('without any proxy or control plane', () => {
  for (const { id, transparent, drivers } of cases) {
    it(transparent ? `${id} passes, as it is marked transparent` : `${id} fails`, { timeout: 20_000 }, async () => {
      expect((await run(id, drivers?.[0] ?? 'process'))?.outcome).toBe(transparent ? 'passed' : 'failed');
    });
  }
});
