/** The exchange records of a mesh, found again by the user-agent that carries the probe's id: x-request-id is replaced at a gateway. */
import type { Exchange } from '#api/exchange.ts';
import { PROBE_USER_AGENT } from '../define-case.ts';
import { Mismatch } from '../expect.ts';

const PATIENCE_MS = 3_000;
const KEPT = 20_000;
const KEPT_TURNED_AWAY = 200;

const keyOf = (reporter: string, userAgent: string, inbound: boolean): string => `${reporter} ${inbound ? 'in' : 'out'} ${userAgent}`;

/** Keeps what probes caused; the last KEPT of it. */
export class ExchangeRecords implements Disposable {
  readonly #kept = new Map<string, Exchange>();
  readonly #waiting = new Map<string, (exchange: Exchange) => void>();
  readonly #turnedAway: Exchange[] = [];
  #lookForTurnedAway: () => void = () => {};
  readonly #unsubscribe: () => void;

  constructor(exchanges: { subscribe(listener: (exchange: Exchange) => void): () => void }) {
    this.#unsubscribe = exchanges.subscribe((exchange) => this.#keep(exchange));
  }

  #keep(exchange: Exchange): void {
    if (exchange.refused !== undefined) {
      this.#turnedAway.push(exchange);
      if (this.#turnedAway.length > KEPT_TURNED_AWAY) this.#turnedAway.shift();
      this.#lookForTurnedAway();
      return;
    }
    if (!exchange.userAgent.startsWith(`${PROBE_USER_AGENT}/`)) return;
    const key = keyOf(exchange.reporter, exchange.userAgent, exchange.side === 'inbound');
    this.#kept.set(key, exchange);
    this.#waiting.get(key)?.(exchange);
    this.#waiting.delete(key);
    if (this.#kept.size <= KEPT) return;
    for (const oldest of this.#kept.keys()) {
      this.#kept.delete(oldest);
      return;
    }
  }

  /** The last so many, oldest first. */
  last(count: number): readonly Exchange[] {
    return [...this.#kept.values()].slice(-count);
  }

  /** The record of that proxy; waits for it. inbound: of the callee's side, where a workload may call itself. */
  of(reporter: string, probeId: string, inbound = false): Promise<Exchange> {
    const key = keyOf(reporter, `${PROBE_USER_AGENT}/${probeId}`, inbound);
    const kept = this.#kept.get(key);
    if (kept !== undefined) return Promise.resolve(kept);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(key);
        reject(new Mismatch(`exchange record of ${reporter}`, `one within ${PATIENCE_MS} ms`, 'none'));
      }, PATIENCE_MS);
      this.#waiting.set(key, (exchange) => {
        clearTimeout(timer);
        resolve(exchange);
      });
    });
  }

  /** Why that proxy would not have a connection: the first sentence with that text; waits for it, for one caller at a time. */
  turnedAway(reporter: string, text: string): Promise<string> {
    const find = (): string | undefined =>
      this.#turnedAway.find((one) => one.reporter === reporter && one.refused?.includes(text))?.refused;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#lookForTurnedAway = () => {};
        reject(
          new Mismatch(`connections that ${reporter} turned away`, `one within ${PATIENCE_MS} ms, with ${JSON.stringify(text)}`, 'none'),
        );
      }, PATIENCE_MS);
      const look = (): void => {
        const found = find();
        if (found === undefined) return;
        clearTimeout(timer);
        this.#lookForTurnedAway = () => {};
        resolve(found);
      };
      this.#lookForTurnedAway = look;
      look();
    });
  }

  forgetTurnedAway(): void {
    this.#turnedAway.length = 0;
  }

  [Symbol.dispose](): void {
    this.#unsubscribe();
  }
}
