/** Lets the time of a mesh's processes flow faster than the machine's, all of them at the same pace. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment } from '#environment';

/** Steps are far below what anybody waits for, so that nothing under way is taken for late. */
const STEP_MS = 500;
const EVERY_MS = 50;

const put = async (url: string, request: RequestInit): Promise<void> => {
  const answer = await fetch(url, { ...request, method: 'POST' });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${(await answer.text()).slice(0, 200)}`);
  await answer.arrayBuffer();
};

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
    const { controlPlane, workloads } = this.#mesh;
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${controlPlane.token}` };
    while (!this.#isOver) {
      await Promise.all([
        put(`${controlPlane.url}/clock`, { headers, body: JSON.stringify({ advanceMs: STEP_MS }) }),
        ...workloads.map(({ adminUrl }) => put(`${adminUrl}/clock?advance_ms=${STEP_MS}`, {})),
      ]);
      this.aheadMs += STEP_MS;
      await sleep(EVERY_MS);
    }
  }
}
