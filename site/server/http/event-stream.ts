/** One stream of server-sent events for a page: exchanges as they happen, figures twice a second. Resumes by id; a slow page gets a sample. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { LoggedExchange, TrafficLog } from '#observability';
import type { MeshState, Tick } from '../told.ts';

const BATCH_EVERY_MS = 100;
const FIGURES_EVERY_MS = 500;
/** At most this many exchanges a batch: 300 a second; the rest is counted, not sent. */
const MAX_BATCH = 30;
const RESUMED = 200;
/** A page that does not read is not remembered for: what it misses is counted. */
const MAX_WAITING = 2_000;

/** Spread evenly over the list, first and last included. */
const sample = <T>(list: readonly T[], size: number): readonly T[] =>
  list.length <= size ? list : Array.from({ length: size }, (_, i) => list[Math.round((i * (list.length - 1)) / (size - 1))] as T);

/** LIVING STATE: what one page has not been told yet. */
class Backlog {
  #waiting: LoggedExchange[];
  #dropped = 0;

  constructor(waiting: readonly LoggedExchange[]) {
    this.#waiting = [...waiting];
  }

  add(exchange: LoggedExchange): void {
    this.#waiting.push(exchange);
    if (this.#waiting.length <= MAX_WAITING) return;
    this.#dropped += MAX_WAITING / 2;
    this.#waiting = this.#waiting.slice(MAX_WAITING / 2);
  }

  /** Undefined when there is nothing. */
  take(size: number): { readonly lastSeq: number; readonly exchanges: readonly LoggedExchange[]; readonly skipped: number } | undefined {
    const last = this.#waiting.at(-1);
    if (last === undefined) return undefined;
    const exchanges = sample(this.#waiting, size);
    const skipped = this.#waiting.length - exchanges.length + this.#dropped;
    this.#waiting = [];
    this.#dropped = 0;
    return { lastSeq: last.seq, exchanges, skipped };
  }
}

/** state: whatever else the header shows (load, proxies); sent with the figures. */
export const eventStream =
  (log: TrafficLog, state: () => MeshState) =>
  (context: Context): Response =>
    streamSSE(context, async (stream) => {
      const lastSeen = Number(context.req.header('last-event-id') ?? Number.NaN);
      const backlog = new Backlog(log.since(Number.isInteger(lastSeen) ? lastSeen : 0, RESUMED));
      const unsubscribe = log.subscribe((exchange) => backlog.add(exchange));
      stream.onAbort(unsubscribe);
      try {
        for (let tick = 0; !stream.aborted && !stream.closed; tick++) {
          const batch = backlog.take(tick === 0 ? RESUMED : MAX_BATCH);
          if (batch !== undefined) {
            const { lastSeq, exchanges, skipped } = batch;
            await stream.writeSSE({ id: String(lastSeq), event: 'exchanges', data: JSON.stringify({ exchanges, skipped }) });
          }
          const told: Tick | undefined =
            (tick * BATCH_EVERY_MS) % FIGURES_EVERY_MS === 0 ? { figures: log.figures(), state: state() } : undefined;
          if (told !== undefined) await stream.writeSSE({ event: 'figures', data: JSON.stringify(told) });
          await pause(BATCH_EVERY_MS);
        }
      } finally {
        unsubscribe();
      }
    });
