/** Lets the time of a mesh's processes flow faster than the machine's, all of them at the same pace. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment } from '#environment';

/** Steps are far below what anybody waits for, so that nothing under way is taken for late. */
const STEP_MS = 1_500;
const EVERY_MS = 50;

/** Simulated time flows while this is held, a millisecond whenever nothing else can happen; of a mesh of processes it flows by itself. */
export const flowing = ({ advance }: Environment): Disposable => {
  let isOver = advance === undefined;
  const flow = async (): Promise<void> => {
    while (!isOver) {
      await advance?.(1);
      await new Promise(setImmediate);
    }
  };
  // Nobody awaits it: a world that cannot go on shows itself in the calls that are not answered.
  flow().catch(() => {});
  return {
    [Symbol.dispose]: () => {
      isOver = true;
    },
  };
};

/** LIVING STATE: time that flows until it is ended. */
export class MeshTime implements AsyncDisposable {
  aheadMs = 0;
  /** Steps for which some process did not answer in time: it lags behind the others from then on. */
  readonly missed: string[] = [];
  readonly #mesh: Environment;
  readonly #flow: Promise<void>;
  #isOver = false;

  constructor(mesh: Environment) {
    this.#mesh = mesh;
    this.#flow = this.#run();
    // Whoever ends it is told.
    this.#flow.catch(() => {});
  }

  /** Rejects when a clock could not be put forward. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.#flow;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#flow.catch(() => {});
  }

  async #run(): Promise<void> {
    const { advanceClocks } = this.#mesh;
    if (advanceClocks === undefined) throw new Error('the time of this mesh cannot be put forward');
    while (!this.#isOver) {
      try {
        this.aheadMs = await advanceClocks(STEP_MS);
      } catch (error) {
        this.missed.push(error instanceof Error ? error.message : String(error));
      }
      await sleep(EVERY_MS);
    }
  }
}
