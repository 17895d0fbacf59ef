/** LIVING STATE: bodies that wait for windows or for the socket, of all streams of a connection (RFC 9113 §5.2). */
import { FIRST_WINDOW, MAX_PAYLOAD } from './frames.ts';
import type { Guards } from './guards.ts';
import type { Outbox } from './outbox.ts';
import type { Http2Stream } from './stream.ts';

const NOTHING = new Uint8Array(0);

/** In turns of one frame, so that no stream keeps the others waiting. */
export class DataSender {
  readonly #outbox: Outbox;
  readonly #guards: Guards;
  readonly #ended: (stream: Http2Stream) => void;
  readonly #waiting = new Set<Http2Stream>();
  /** How much more the peer takes on the connection. */
  window = FIRST_WINDOW;

  /** ended: called when a stream has said its last. */
  constructor(outbox: Outbox, guards: Guards, ended: (stream: Http2Stream) => void) {
    this.#outbox = outbox;
    this.#guards = guards;
    this.#ended = ended;
  }

  /** True: all of what waits in the stream has left. */
  push(stream: Http2Stream): boolean {
    if (this.#pushOne(stream, Number.POSITIVE_INFINITY)) return true;
    this.#waiting.add(stream);
    return false;
  }

  isWaiting(stream: Http2Stream): boolean {
    return this.#waiting.has(stream);
  }

  forget(stream: Http2Stream): void {
    this.#waiting.delete(stream);
  }

  #pushOne(stream: Http2Stream, maxFrames: number): boolean {
    let rest = stream.outgoing ?? NOTHING;
    for (let frames = 0; frames < maxFrames; frames++) {
      const take = Math.min(rest.length, MAX_PAYLOAD, this.window, stream.sendWindow);
      if (this.#outbox.isBlocked || (take <= 0 && rest.length > 0)) break;
      const ends = stream.outgoingEnds && take === rest.length;
      this.#outbox.data(stream.id, take === rest.length ? rest : rest.subarray(0, take), ends);
      this.#guards.dataSent();
      this.window -= take;
      stream.sendWindow -= take;
      rest = rest.subarray(take);
      if (rest.length > 0) continue;
      stream.outgoing = undefined;
      if (ends) this.#ended(stream);
      return true;
    }
    stream.outgoing = rest;
    return false;
  }

  pushWaiting(): void {
    let moved = true;
    while (moved && this.#waiting.size > 0 && !this.#outbox.isBlocked) {
      moved = false;
      for (const stream of [...this.#waiting]) {
        const before = stream.sendWindow;
        const isDone = this.#pushOne(stream, 1);
        if (isDone) {
          this.#waiting.delete(stream);
          stream.allSent();
        }
        moved ||= isDone || stream.sendWindow !== before;
      }
      this.#outbox.flush();
    }
  }
}
