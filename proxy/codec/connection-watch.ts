/** Timeouts of one server connection: one timer, moved only when it fires, so that a request costs a field write. */
import type { Clock } from '#system/clock.ts';
import type { ServerSettings } from '../http/serve.ts';

/** What a connection is at. */
export type Phase = 'idle' | 'head' | 'exchange';

/** What is watched, and what happens when it has been still for too long. */
export interface Watched {
  readonly phase: () => Phase;
  readonly expire: (phase: Phase) => void;
}

/** LIVING STATE: when something last moved. */
export class ConnectionWatch {
  activeAtMs: number;
  /** When the head that is not all here began; meaningful in phase `head` only. A head is timed from its beginning, not from its last byte. */
  headSinceMs = 0;
  readonly #clock: Clock;
  readonly #limits: Record<Phase, number>;
  readonly #shortest: number;
  readonly #watched: Watched;
  #cancel: () => void = () => {};

  constructor(clock: Clock, settings: ServerSettings, watched: Watched) {
    this.#clock = clock;
    this.#watched = watched;
    this.#limits = { idle: settings.idleTimeoutMs, head: settings.headTimeoutMs, exchange: settings.streamIdleTimeoutMs };
    this.#shortest = Math.min(...Object.values(this.#limits).filter((ms) => ms > 0));
    this.activeAtMs = clock.nowMs();
    this.#arm(this.#shortest);
  }

  /** Something moved. */
  touch(): void {
    this.activeAtMs = this.#clock.nowMs();
  }

  stop(): void {
    this.#cancel();
  }

  /** The exchange that begins may be still for so long; 0 = for ever. */
  limitExchange(ms: number): void {
    this.#limits.exchange = ms;
    if (ms === 0 || ms >= this.#shortest) return;
    this.#cancel();
    this.#arm(ms);
  }

  /** From now on only this can happen. */
  insteadAfter(ms: number, then: () => void): void {
    this.#cancel();
    this.#cancel = this.#clock.after(ms, then);
  }

  #arm(ms: number): void {
    if (ms === Number.POSITIVE_INFINITY) return;
    this.#cancel = this.#clock.after(ms, this.#look);
  }

  readonly #look = (): void => {
    const now = this.#clock.nowMs();
    const phase = this.#watched.phase();
    const limit = this.#limits[phase];
    const left = limit === 0 ? this.#shortest : limit - (now - (phase === 'head' ? this.headSinceMs : this.activeAtMs));
    if (left <= 0) this.#watched.expire(phase);
    else this.#arm(Math.min(left, this.#shortest));
  };
}
