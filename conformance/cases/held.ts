/** Requests that are held at the program, so that what is in use can be counted instead of raced. */
import type { Answer, Ask, MeshUnderTest } from '../define-case.ts';
import { BEHAVE } from './echoed.ts';
import { until } from './waiting.ts';

let keys = 0;

/** A key that no other case holds or counts under. */
export const freshKey = (): string => `key-${process.pid}-${keys++}`;

/** How many requests that workload's program holds under the key. */
export const heldAt = async (mesh: MeshUnderTest, workload: string, key: string): Promise<number> => {
  const { headers } = await mesh.program(workload, { [BEHAVE]: `held=${key}` });
  return Number(headers.find(([name]) => name.toLowerCase() === 'x-lab-held')?.[1] ?? 0);
};

/** Settles when that workload's program holds so many. */
export const untilHeld = async (mesh: MeshUnderTest, workload: string, key: string, count: number): Promise<void> => {
  await untilHeldAmong(mesh, [workload], key, count);
};

/** Settles when all of those workloads together hold so many. */
export const untilHeldAmong = async (mesh: MeshUnderTest, workloads: readonly string[], key: string, count: number): Promise<void> => {
  const look = async (): Promise<number> => {
    const counts = await Promise.all(workloads.map((workload) => heldAt(mesh, workload, key)));
    return counts.reduce((sum, held) => sum + held, 0);
  };
  await until(`requests held by ${workloads.join(', ')}`, look, (held) => held === count, `${count}`);
};

/** Sends so many at once; a failure of theirs is seen by who awaits them. */
export const begin = (mesh: MeshUnderTest, count: number, ask: Ask): Promise<Answer>[] =>
  Array.from({ length: count }, () => {
    const answer = mesh.send(ask);
    answer.catch(() => {});
    return answer;
  });

/** Lets everybody under the key go, and whoever comes later. */
export const release = async (mesh: MeshUnderTest, workload: string, key: string): Promise<void> => {
  await mesh.program(workload, { [BEHAVE]: `release=${key}` });
};

/** What is under way at one program. */
export interface Held {
  readonly key: string;
  /** Lets them go and gives their answers. */
  release(): Promise<readonly Answer[]>;
}

/** `count` requests that the workload's program holds; settles when all of them are there. script: more settings, such as `from=2`. */
export const hold = async (
  mesh: MeshUnderTest,
  count: number,
  { workload = 'reviews-v1', script = '', ask }: { readonly workload?: string; readonly script?: string; readonly ask: Ask },
): Promise<Held> => {
  const key = freshKey();
  const headers = { ...ask.headers, [BEHAVE]: `hold=${key};${script}` };
  const answers = begin(mesh, count, { ...ask, headers });
  await untilHeld(mesh, workload, key, count);
  return {
    key,
    async release() {
      await release(mesh, workload, key);
      return await Promise.all(answers);
    },
  };
};
