/** LIVING STATE: what one peer has done that costs it nothing and us something. Each limit ends the connection. Limits: Envoy's. */
import type { Http2Counter } from '../../http/http2/http2-numbers.ts';
import type { Http2Options } from '../../http/http2/http2-options.ts';
import { ConnectionFault, ERROR } from './errors.ts';

/** Of so many streams that are over, half may have been reset early. */
const JUDGED_STREAMS = 500;
/** A stream that was reset later than this had its use. */
const EARLY_MS = 1000;
/** Frames of no known type, settings and pings in a span of time in which no stream is opened. */
const IDLE_FRAMES = 10_000;
const IDLE_SPAN_MS = 60_000;

const calm = (reason: string, counter?: Http2Counter): ConnectionFault => new ConnectionFault(ERROR.enhanceYourCalm, reason, counter);

/** One connection's. */
export class Guards {
  readonly #options: Http2Options;
  #streams = 0;
  #dataSent = 0;
  #empty = 0;
  #priorities = 0;
  #windowUpdates = 0;
  #idleFrames = 0;
  #idleSinceMs = 0;
  #over = 0;
  #early = 0;

  constructor(options: Http2Options) {
    this.#options = options;
  }

  streamOpened(): void {
    this.#streams++;
    this.#idleFrames = 0;
  }

  dataSent(): void {
    this.#dataSent++;
  }

  /** A frame that says nothing. */
  empty(): void {
    if (++this.#empty > this.#options.maxEmptyFrames) throw calm('too many frames without payload', 'emptyFramesFlood');
  }

  filled(): void {
    this.#empty = 0;
  }

  priority(): void {
    if (++this.#priorities > this.#options.maxPriorityFrames * (1 + this.#streams))
      throw calm('too many PRIORITY frames', 'priorityFramesFlood');
  }

  windowUpdate(): void {
    if (++this.#windowUpdates > 5 + 2 * (this.#streams + this.#options.maxWindowUpdates * this.#dataSent))
      throw calm('too many WINDOW_UPDATE frames', 'windowUpdateFramesFlood');
  }

  /** SETTINGS, PING, frames for streams that are over and such as nobody knows. */
  idleFrame(nowMs: number): void {
    if (nowMs - this.#idleSinceMs > IDLE_SPAN_MS) {
      this.#idleSinceMs = nowMs;
      this.#idleFrames = 0;
    }
    if (++this.#idleFrames > IDLE_FRAMES) throw calm('too many frames that move nothing');
  }

  /** early: it was reset, by whoever, before its answer was complete. */
  streamOver(how: 'early' | 'served', lifeMs: number): void {
    this.#over++;
    if (how === 'early' && lifeMs < EARLY_MS) this.#early++;
    if (this.#early * 2 >= Math.max(JUDGED_STREAMS, this.#over)) throw calm('too many streams are reset early');
  }
}

/** Who ended a stream that is over: `both` said their last, or one reset it. */
export type EndedBy = 'both' | 'peer' | 'us';

const REMEMBERED = 256;

/** LIVING STATE: the streams that ended last. What may still come for them depends on how they did. */
export class ClosedStreams {
  readonly #ended = new Map<number, EndedBy>();

  add(id: number, who: EndedBy): void {
    if (this.#ended.size >= REMEMBERED) {
      const [oldest = 0] = this.#ended.keys();
      this.#ended.delete(oldest);
    }
    this.#ended.set(id, who);
  }

  /** Undefined: it ended long ago, or never was. */
  whoEnded(id: number): EndedBy | undefined {
    return this.#ended.get(id);
  }
}
