/** The built-in steady load: somebody opens Bookinfo's page a few times a second, so that there is always something to see. */
import { Agent, type ClientRequest, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

/** The user-agent of the load, so that its requests can be told from people's. */
const USER_AGENT = 'dinghy-load';
const QUIET_MS = 3_000;
const LOOK_AGAIN_MS = 5;

/** Living state: on or off, and how fast. */
export class SteadyLoad {
  readonly #url: string | undefined;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 16 });
  #timer: NodeJS.Timeout | undefined;
  #perSecond: number;
  #sent = 0;
  #failed = 0;
  /** Those without an answer yet. */
  readonly #open = new Set<ClientRequest>();

  /** url: what is opened; undefined when the mesh has no way in. perSecond: 0 = stopped. */
  constructor(url: string | undefined, perSecond: number) {
    this.#url = url;
    this.#perSecond = perSecond || 4;
    if (perSecond > 0) this.start();
  }

  get state(): { readonly on: boolean; readonly perSecond: number; readonly url: string } {
    return { on: this.#timer !== undefined, perSecond: this.#perSecond, url: this.#url ?? '' };
  }

  get counts(): { readonly sent: number; readonly failed: number } {
    return { sent: this.#sent, failed: this.#failed };
  }

  /** Does that while none of its requests is under way; then goes on as before. */
  async quiet<T>(meanwhile: () => Promise<T>): Promise<T> {
    const { on, perSecond } = this.state;
    this.stop();
    for (let left = QUIET_MS; this.#open.size > 0 && left > 0; left -= LOOK_AGAIN_MS) await pause(LOOK_AGAIN_MS);
    try {
      return await meanwhile();
    } finally {
      if (on) this.start(perSecond);
    }
  }

  /** Starts, or changes the rate. */
  start(perSecond = this.#perSecond): void {
    const url = this.#url;
    if (url === undefined) return;
    this.stop();
    this.#perSecond = Math.min(100, Math.max(1, Math.round(perSecond)));
    this.#timer = setInterval(() => this.#ask(url), 1_000 / this.#perSecond);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  close(): void {
    this.stop();
    this.#agent.destroy();
  }

  #ask(url: string): void {
    this.#sent++;
    const opening = request(url, { agent: this.#agent, headers: { 'user-agent': USER_AGENT }, timeout: 10_000 }, (response) => {
      if ((response.statusCode ?? 0) >= 500) this.#failed++;
      response.resume().once('close', () => this.#open.delete(opening));
    });
    this.#open.add(opening);
    opening.once('timeout', () => opening.destroy());
    // A failed request is told by the mesh's own records; the load only goes on.
    opening.once('error', () => {
      this.#failed++;
      this.#open.delete(opening);
    });
    opening.end();
  }
}
