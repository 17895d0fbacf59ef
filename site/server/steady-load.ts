/** The built-in steady load: somebody opens Bookinfo's page a few times a second, so that there is always something to see. */
import { Agent, request } from 'node:http';

/** The user-agent of the load, so that its requests can be told from people's. */
const USER_AGENT = 'dinghy-load';

/** Living state: on or off, and how fast. */
export class SteadyLoad {
  readonly #url: string | undefined;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 16 });
  #timer: NodeJS.Timeout | undefined;
  #perSecond: number;

  /** url: what is opened; undefined when the mesh has no way in. perSecond: 0 = stopped. */
  constructor(url: string | undefined, perSecond: number) {
    this.#url = url;
    this.#perSecond = perSecond || 4;
    if (perSecond > 0) this.start();
  }

  get state(): { readonly on: boolean; readonly perSecond: number; readonly url: string } {
    return { on: this.#timer !== undefined, perSecond: this.#perSecond, url: this.#url ?? '' };
  }

  /** Starts, or changes the rate. */
  start(perSecond = this.#perSecond): void {
    const url = this.#url;
    if (url === undefined) return;
    this.stop();
    this.#perSecond = Math.min(100, Math.max(1, Math.round(perSecond)));
    this.#timer = setInterval(() => this.#open(url), 1_000 / this.#perSecond);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  close(): void {
    this.stop();
    this.#agent.destroy();
  }

  #open(url: string): void {
    const opening = request(url, { agent: this.#agent, headers: { 'user-agent': USER_AGENT }, timeout: 10_000 }, (response) =>
      response.resume(),
    );
    opening.once('timeout', () => opening.destroy());
    // A failed request is told by the mesh's own records; the load only goes on.
    opening.once('error', () => undefined);
    opening.end();
  }
}
