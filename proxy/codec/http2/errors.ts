/** What can be wrong with an HTTP/2 connection or with one of its streams. */
import type { Http2Counter } from '../../http/http2/http2-numbers.ts';

/** RFC 9113 §7. */
export const ERROR = {
  none: 0,
  protocol: 1,
  internal: 2,
  flowControl: 3,
  settingsTimeout: 4,
  streamClosed: 5,
  frameSize: 6,
  refusedStream: 7,
  cancel: 8,
  compression: 9,
  connect: 10,
  enhanceYourCalm: 11,
} as const;

/** The connection cannot go on: the peer is told with GOAWAY. counter: the statistic under `http2.` that it belongs to, where there is one. */
export class ConnectionFault extends Error {
  override readonly name = 'ConnectionFault';
  readonly code: number;
  readonly counter: Http2Counter | undefined;

  constructor(code: number, reason: string, counter?: Http2Counter) {
    super(reason);
    this.code = code;
    this.counter = counter;
  }
}

/** One stream cannot go on: the peer is told with RST_STREAM. */
export class StreamFault extends Error {
  override readonly name = 'StreamFault';
  readonly code: number;
  readonly streamId: number;

  constructor(code: number, streamId: number, reason: string) {
    super(reason);
    this.code = code;
    this.streamId = streamId;
  }
}
