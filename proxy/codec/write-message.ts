/** Messages as they leave: head and body in one write where the body is here, chunk by chunk with back-pressure where it is not. */
import type { Connection } from '#system/network.ts';
import type { Body } from '../http/body.ts';
import type { HeaderMap } from '../http/header-map.ts';
import type { HttpResponse } from '../http/message.ts';
import { writeFields } from './head.ts';

const JOIN_BELOW = 16_384;
const LAST_CHUNK = '0\r\n\r\n';

/** A head as text. chunked: the body behind it goes in chunks. */
export interface FramedHead {
  readonly text: string;
  readonly chunked: boolean;
}

/** One write for head and body; larger bodies go as they are, corked, rather than be copied. Gives how many bytes that were. */
export const writeWhole = (connection: Connection, { text, chunked }: FramedHead, bytes: Uint8Array): number => {
  if (bytes.length === 0) {
    const all = chunked ? text + LAST_CHUNK : text;
    connection.write(all, 'latin1');
    return all.length;
  }
  const before = chunked ? `${text}${bytes.length.toString(16)}\r\n` : text;
  const after = chunked ? `\r\n${LAST_CHUNK}` : '';
  if (bytes.length < JOIN_BELOW) {
    const joined = Buffer.allocUnsafe(before.length + bytes.length + after.length);
    joined.write(before, 0, 'latin1');
    joined.set(bytes, before.length);
    if (chunked) joined.write(after, before.length + bytes.length, 'latin1');
    connection.write(joined);
  } else {
    connection.cork();
    connection.write(before, 'latin1');
    connection.write(bytes);
    if (chunked) connection.write(after, 'latin1');
    connection.uncork();
  }
  return before.length + bytes.length + after.length;
};

/** Settles when the connection takes more, or is gone. */
const drained = (connection: Connection): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      connection.off('drain', done).off('close', done);
      resolve();
    };
    connection.on('drain', done).on('close', done);
  });

/** How the bytes of a body are marked off. length: undefined = chunked. */
export interface BodyFraming {
  readonly body: Body;
  /** Absent: they are dropped. */
  readonly trailers: Promise<HeaderMap> | undefined;
  readonly length: number | undefined;
  /** Called with the size of each piece that left. */
  readonly sent: (bytes: number) => void;
}

/** Writes a body that is still arriving. Rejects when the body breaks, or when it is not as long as its head said. */
export const pumpBody = async (connection: Connection, framing: BodyFraming): Promise<void> => {
  let left = framing.length ?? 0;
  for await (const chunk of framing.body) {
    if (connection.destroyed) throw new Error('connection closed while a body was sent');
    if (chunk.length === 0) continue;
    left -= chunk.length;
    if (framing.length !== undefined && left < 0) throw new Error('body is longer than its content-length');
    framing.sent(chunk.length);
    if (!writePiece(connection, chunk, framing.length === undefined)) await drained(connection);
  }
  if (framing.length !== undefined && left !== 0) throw new Error('body is shorter than its content-length');
  if (framing.length !== undefined) return;
  const trailers = await framing.trailers;
  connection.write(trailers === undefined ? LAST_CHUNK : `0\r\n${writeFields(trailers)}\r\n`, 'latin1');
};

const writePiece = (connection: Connection, chunk: Uint8Array, chunked: boolean): boolean => {
  if (!chunked) return connection.write(chunk);
  connection.cork();
  connection.write(`${chunk.length.toString(16)}\r\n`, 'latin1');
  connection.write(chunk);
  const more = connection.write('\r\n', 'latin1');
  connection.uncork();
  return more;
};

/** An answer that nobody will read: upstream is told at once. */
export const discard = ({ body, upgraded }: HttpResponse): void => {
  void body[Symbol.asyncIterator]().return?.();
  upgraded?.destroy();
};
