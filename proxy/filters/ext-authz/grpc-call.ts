/**
 * Unary gRPC calls to one cluster over node:http2, on connections that the cluster dials, so that its security is theirs. One connection carries all
 * calls until it ends. Source: grpc/doc/PROTOCOL-HTTP2.md.
 */
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import type { Connection } from '#system/network.ts';
import type { System } from '#system/system.ts';
import type { FilterRoom } from '../filter-type.ts';

const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;
const PREFIX_BYTES = 5;
const CALLS_LEFT = 1_000_000;

/** Where calls go. */
export interface CallTarget {
  readonly cluster: string;
  readonly authority: string;
  readonly method: string;
  readonly headers: readonly (readonly [string, string])[];
}

/** The answer's message. Rejects with Error when there is none. */
export type UnaryCall = (message: Uint8Array, signal: AbortSignal) => Promise<Buffer>;

const framed = (message: Uint8Array): Buffer => {
  const frame = Buffer.alloc(PREFIX_BYTES + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX_BYTES);
  return frame;
};

const unframed = (bytes: Buffer): Buffer => {
  if (bytes.length < PREFIX_BYTES || bytes[0] !== 0 || bytes.readUInt32BE(1) !== bytes.length - PREFIX_BYTES)
    throw new RangeError('the answer is not one uncompressed message');
  return bytes.subarray(PREFIX_BYTES);
};

const statusOf = (headers: IncomingHttpHeaders): number => (headers['grpc-status'] === undefined ? 2 : Number(headers['grpc-status']));

/** Reads one call to its end. */
const answerOf = (call: ClientHttp2Stream, signal: AbortSignal): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let length = 0;
    let status: number | undefined;
    const leave = (): void => {
      reject(signal.reason);
      call.close(8);
    };
    const end = (reason?: unknown): void => {
      signal.removeEventListener('abort', leave);
      try {
        if (reason !== undefined) throw reason;
        if (status !== 0) throw new Error(`gRPC status ${status ?? 'missing'}`);
        resolve(unframed(Buffer.concat(parts)));
      } catch (error) {
        reject(error);
      }
    };
    signal.addEventListener('abort', leave, { once: true });
    call
      .on('response', (headers) => {
        if (headers[':status'] !== 200) status = -1;
        else if (headers['grpc-status'] !== undefined) status = statusOf(headers);
      })
      .on('trailers', (trailers) => {
        status ??= statusOf(trailers);
      })
      .on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length <= MAX_RESPONSE_BYTES + PREFIX_BYTES) parts.push(chunk);
        else {
          end(new RangeError('the answer is too long'));
          call.close(8);
        }
      })
      .on('error', end)
      .on('close', () => end());
  });

const open = async (connection: Connection, authority: string): Promise<ClientHttp2Session> => {
  const { connect } = await import('node:http2');
  const session = connect(`http://${authority}`, { createConnection: () => connection, settings: { enablePush: false } });
  // Calls hear of it themselves; between calls nobody is there to mind.
  session.on('error', () => {});
  session.unref();
  return session;
};

/** Nothing is dialled before the first call. */
export const unaryCalls = (target: CallTarget, { dial, system }: Pick<FilterRoom, 'dial'> & { readonly system: System }): UnaryCall => {
  let current: Promise<ClientHttp2Session> | undefined;
  const session = async (signal: AbortSignal): Promise<ClientHttp2Session> => {
    const known = await current?.catch(() => undefined);
    if (known && !known.closed && !known.destroyed) return known;
    const fresh = dial(target.cluster, signal).then((connection) => open(connection, target.authority));
    current = fresh;
    const opened = await fresh;
    const forget = (): void => {
      if (current === fresh) current = undefined;
    };
    opened.once('close', forget).once('goaway', forget);
    system.log.debug('ext-authz.connected', { cluster: target.cluster });
    return opened;
  };
  const headers = {
    ...Object.fromEntries(target.headers),
    ...{ ':method': 'POST', ':path': target.method, ':authority': target.authority },
    ...{ 'content-type': 'application/grpc', te: 'trailers', 'user-agent': 'dinghy' },
  };
  let calls = CALLS_LEFT;
  return async (message, signal) => {
    const opened = await session(signal);
    if (signal.aborted) throw signal.reason;
    if (--calls <= 0) {
      // Stream numbers end some day.
      calls = CALLS_LEFT;
      current = undefined;
      opened.close();
    }
    const call = opened.request(headers);
    call.end(framed(message));
    return answerOf(call, signal);
  };
};
