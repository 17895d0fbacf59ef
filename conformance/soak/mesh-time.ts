/** Lets the time of a mesh's processes flow faster than the machine's, all of them at the same pace. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment } from '#environment';

/** Steps are far below what anybody waits for, so that nothing under way is taken for late. */
const STEP_MS = 500;
const EVERY_MS = 50;

/** LIVING STATE: time that flows until it is ended. */
export class MeshTime implements AsyncDisposable {
  aheadMs = 0;
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
      this.aheadMs = await advanceClocks(STEP_MS);
      await sleep(EVERY_MS);
    }
  }
}
