import { describe, expect, it } from 'vitest';
import { cases, verifyLive } from '../conformance.ts';
import type { Verdict } from '../verify.ts';
import { passThroughMesh } from './pass-through.ts';

const run = async (id: string): Promise<Verdict | undefined> => {
  await using mesh = await passThroughMesh();
  let last: Verdict | undefined;
  for await (const verdict of verifyLive(mesh, { ids: [id] })) last = verdict;
  return last;
};

// What a wire to one program cannot do at all: reach a dead endpoint first, or a second version.
describe.concurrent('without any proxy or control plane', () => {
  for (const { id, transparent } of cases) {
    it(transparent ? `${id} passes, as it is marked transparent` : `${id} fails`, { timeout: 20_000 }, async () => {
      expect((await run(id))?.outcome).toBe(transparent ? 'passed' : 'failed');
    });
  }
});
