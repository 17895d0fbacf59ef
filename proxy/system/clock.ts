/** Time as a parameter: the proxy and the control plane never ask the machine directly. */

/** Cancels a timer; calling it twice, or after the timer fired, does nothing. */
export type Cancel = () => void;

/** What anything that waits or measures may know of time. */
export interface Clock {
  /** Monotonic milliseconds with fractions; only differences mean something. */
  nowMs(): number;
  /** Milliseconds since the Unix epoch, for logs and certificates. */
  wallTimeMs(): number;
  /** Calls `fire` once after `ms`; the cheapest form, for the request path. Does not keep the process alive. */
  after(ms: number, fire: () => void): Cancel;
  /** Settles after `ms`; rejects with the signal's reason as soon as the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `tick` every `ms` until the signal aborts. */
  every(ms: number, tick: () => void, signal: AbortSignal): void;
}

/** Sleep and every in terms of the two primitives, so that each clock implements only those. */
export const clockFrom = (primitive: Pick<Clock, 'nowMs' | 'wallTimeMs' | 'after'>): Clock => ({
  ...primitive,
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const abort = () => {
        cancel();
        reject(signal?.reason);
      };
      const cancel = primitive.after(ms, () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      });
      signal?.addEventListener('abort', abort, { once: true });
    }),
  every: (ms, tick, signal) => {
    let cancel: Cancel = () => {};
    const again = () => {
      cancel = primitive.after(ms, () => {
        again();
        tick();
      });
    };
    if (signal.aborted) return;
    signal.addEventListener('abort', () => cancel(), { once: true });
    again();
  },
});

/** The machine's own time. */
export const realClock = (): Clock =>
  clockFrom({
    nowMs: () => performance.now(),
    wallTimeMs: () => Date.now(),
    after: (ms, fire) => {
      const timer = setTimeout(fire, ms);
      timer.unref();
      return () => clearTimeout(timer);
    },
  });
