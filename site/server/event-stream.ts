/** One stream of server-sent events for a page: exchanges as they happen, figures twice a second. Resumes by id; a slow page gets a sample. */
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { LoggedExchange, TrafficLog } from '#observability';

const BATCH_EVERY_MS = 100;
const FIGURES_EVERY_MS = 500;
/** At most this many exchanges a batch: 300 a second; the rest is counted, not sent. */
const MAX_BATCH = 30;
const RESUMED = 200;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Spread evenly over the list, first and last included. */
const sample = <T>(list: readonly T[], size: number): readonly T[] =>
  list.length <= size ? list : Array.from({ length: size }, (_, i) => list[Math.round((i * (list.length - 1)) / (size - 1))] as T);

/** state: whatever else the header shows (load, proxies); sent with the figures. */
export const eventStream =
  (log: TrafficLog, state: () => Promise<unknown>) =>
  (context: Context): Response =>
    streamSSE(context, async (stream) => {
      const lastSeen = Number(context.req.header('last-event-id') ?? Number.NaN);
      let waiting: LoggedExchange[] = [...log.since(Number.isInteger(lastSeen) ? lastSeen : 0, RESUMED)];
      const unsubscribe = log.subscribe((exchange) => waiting.push(exchange));
      stream.onAbort(unsubscribe);
      try {
        for (let tick = 0; !stream.aborted && !stream.closed; tick++) {
          const last = waiting.at(-1);
          if (last !== undefined) {
            const exchanges = sample(waiting, tick === 0 ? RESUMED : MAX_BATCH);
            const skipped = waiting.length - exchanges.length;
            waiting = [];
            await stream.writeSSE({ id: String(last.seq), event: 'exchanges', data: JSON.stringify({ exchanges, skipped }) });
          }
          if ((tick * BATCH_EVERY_MS) % FIGURES_EVERY_MS === 0)
            await stream.writeSSE({ event: 'figures', data: JSON.stringify({ figures: log.figures(), state: await state() }) });
          await sleep(BATCH_EVERY_MS);
        }
      } finally {
        unsubscribe();
      }
    });
