/**
 * Failure on demand, to practise on. A request says what a service shall do instead of answering at once, in a header that is copied along with the rest of its journey:
 * `rehearse-ratings: fail=503`. Words, separated by `;`: `fail=S`, `delay=MS`, `hold` (until somebody releases it), `release=N` (lets the N oldest go, and answers at once how
 * many went and how many are still held), `only=v1` (a version that obeys), `strict` (see reviews).
 */
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** Begin of the header's name; the service's name follows. */
export const REHEARSAL_PREFIX = 'rehearse-';

const MAX_DELAY_MS = 60_000;
/** Nobody comes back for what was held that long. */
const MAX_HOLD_MS = 120_000;
const MAX_HELD = 500;

/** What one service is asked to do. */
export interface Rehearsal {
  /** Status to answer with; undefined = as ever. */
  readonly fail: number | undefined;
  readonly delayMs: number;
  readonly hold: boolean;
  /** How many held ones to let go; undefined = the request is for something else. */
  readonly release: number | undefined;
  /** What it needs must be there: without it, it fails. */
  readonly strict: boolean;
}

const NOTHING: Rehearsal = { fail: undefined, delayMs: 0, hold: false, release: undefined, strict: false };

const wordsOf = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text.split(';').map((part): [string, string] => {
      const [name = '', value = ''] = part.split('=', 2);
      return [name.trim(), value.trim()];
    }),
  );

/** header: as it came; undefined = nothing is asked. version: of the program that reads it. Words that are not known are passed over. */
export const readRehearsal = (header: string | undefined, version: string): Rehearsal => {
  if (header === undefined) return NOTHING;
  const words = wordsOf(header);
  const only = words.get('only')?.split(',');
  if (only !== undefined && !only.includes(version)) return NOTHING;
  const fail = Number(words.get('fail'));
  const release = Number(words.get('release') ?? Number.NaN);
  return {
    fail: Number.isInteger(fail) && fail >= 400 && fail <= 599 ? fail : undefined,
    delayMs: Math.min(MAX_DELAY_MS, Math.max(0, Number(words.get('delay')) || 0)),
    hold: words.has('hold'),
    release: Number.isInteger(release) && release >= 0 ? release : undefined,
    strict: words.has('strict'),
  };
};

/** What a request asks of that service. */
export const rehearsalOf = (request: IncomingMessage, service: string, version: string): Rehearsal => {
  const header = request.headers[`${REHEARSAL_PREFIX}${service}`];
  return readRehearsal(typeof header === 'string' ? header : undefined, version);
};

/** LIVING STATE: requests that wait to be let go, the oldest first. */
export class Held {
  readonly #waiting: (() => void)[] = [];

  /** How many wait. */
  get count(): number {
    return this.#waiting.length;
  }

  /** Settles when it is let go, at the latest after two minutes; at once when too many wait already. */
  wait(signal: AbortSignal): Promise<void> {
    if (this.#waiting.length >= MAX_HELD || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const go = () => {
        clearTimeout(limit);
        signal.removeEventListener('abort', go);
        const at = this.#waiting.indexOf(go);
        if (at >= 0) this.#waiting.splice(at, 1);
        resolve();
      };
      const limit = setTimeout(go, MAX_HOLD_MS);
      signal.addEventListener('abort', go, { once: true });
      this.#waiting.push(go);
    });
  }

  /** Lets the oldest go; gives how many. */
  release(count: number): number {
    const gone = this.#waiting.slice(0, count);
    for (const go of gone) go();
    return gone.length;
  }
}

/** Waits as asked. signal: the caller has left. */
export const rehearse = async ({ delayMs, hold }: Rehearsal, held: Held, signal: AbortSignal): Promise<void> => {
  if (delayMs > 0) await sleep(delayMs, undefined, { signal }).catch(() => undefined);
  if (hold) await held.wait(signal);
};
