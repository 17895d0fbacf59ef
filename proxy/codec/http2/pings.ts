/** LIVING STATE: questions to the peer that it answers when it has read what was sent before. */
import type { Clock } from '#system/clock.ts';
import type { Keepalive } from '../../http/http2/http2-options.ts';
import { FRAME, frame, numbers } from './frames.ts';

interface Question {
  readonly payload: Buffer;
  readonly answered: () => void;
}

const OURS = 0x64696e67;

/** One connection's. */
export class Pings {
  readonly #send: (bytes: Uint8Array) => void;
  #open: Question[] = [];
  #count = 0;
  #cancel: () => void = () => {};

  /** send: throws ConnectionFault. */
  constructor(send: (bytes: Uint8Array) => void) {
    this.#send = send;
  }

  /** Throws ConnectionFault. */
  ask(answered: () => void): void {
    const payload = numbers(OURS, ++this.#count);
    this.#open.push({ payload, answered });
    this.#send(frame(FRAME.ping, 0, 0, payload));
  }

  answered(payload: Buffer): void {
    const answered = this.#open.filter((question) => question.payload.equals(payload));
    this.#open = this.#open.filter((question) => !answered.includes(question));
    for (const question of answered) question.answered();
  }

  /** Asks every so often. unanswered: the peer is gone. */
  keepAsking(keepalive: Keepalive, clock: Clock, unanswered: () => void): void {
    this.#cancel = clock.after(keepalive.intervalMs, () => {
      this.#cancel = clock.after(keepalive.timeoutMs, unanswered);
      this.ask(() => {
        this.#cancel();
        this.keepAsking(keepalive, clock, unanswered);
      });
    });
  }

  stop(): void {
    this.#cancel();
  }
}
