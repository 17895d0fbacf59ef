/** One unary gRPC call on an HTTP/2 stream: a message goes out, a message comes back. Source: grpc/doc/PROTOCOL-HTTP2.md. */
import type { ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import { frameMessage } from './grpc-messages.ts';

/** Headers of every such call. */
export const UNARY_HEADERS = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers', 'user-agent': 'dinghy' } as const;

/** How much is heard, and how long. */
export interface UnaryLimits {
  /** Of the answer's message. */
  readonly maxBytes: number;
  /** Its reason is what an aborted call rejects with. */
  readonly signal?: AbortSignal;
}

const PREFIX_BYTES = 5;
/** HTTP/2's CANCEL. */
const CANCEL = 8;
const MOST_WORDS = 500;

/** Settles with the answer's message. Rejects with Error: the status that was answered and its words, or what is wrong with the answer. */
export const unaryCall = (stream: ClientHttp2Stream, message: Uint8Array, { maxBytes, signal }: UnaryLimits): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let last: IncomingHttpHeaders | undefined;
    const fail = (reason: unknown): void => {
      reject(reason);
      stream.close(CANCEL);
    };
    const leave = (): void => fail(signal?.reason);
    signal?.addEventListener('abort', leave, { once: true });
    stream
      .on('response', (headers) => {
        if (headers[':status'] !== 200) fail(new Error(`HTTP status ${headers[':status']}`));
        else if (headers['grpc-status'] !== undefined) last = headers;
      })
      .on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > maxBytes + PREFIX_BYTES) fail(new RangeError(`the answer is longer than ${maxBytes} bytes`));
        else chunks.push(chunk);
      })
      .on('trailers', (trailers) => {
        last = trailers;
      })
      .on('error', reject)
      .on('close', () => {
        signal?.removeEventListener('abort', leave);
        try {
          resolve(answerOf(last, Buffer.concat(chunks)));
        } catch (error) {
          reject(error);
        }
      });
    stream.end(frameMessage(message));
  });

const answerOf = (last: IncomingHttpHeaders | undefined, body: Buffer): Buffer => {
  const code = last?.['grpc-status'];
  if (code === undefined) throw new Error('the answer ended without a gRPC status');
  if (code !== '0') throw new Error(`gRPC status ${String(code).slice(0, 20)}${wordsOf(String(last?.['grpc-message'] ?? ''))}`);
  if (body.length < PREFIX_BYTES || body[0] !== 0 || body.readUInt32BE(1) !== body.length - PREFIX_BYTES)
    throw new RangeError('the answer is not one whole uncompressed message');
  return body.subarray(PREFIX_BYTES);
};

const wordsOf = (message: string): string => {
  if (message === '') return '';
  try {
    return `, ${decodeURIComponent(message).slice(0, MOST_WORDS)}`;
  } catch {
    return `, ${message.slice(0, MOST_WORDS)}`;
  }
};
