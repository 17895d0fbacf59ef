/**
 * Unary gRPC calls to one cluster over node:http2, on connections that the cluster dials, so that its security is theirs. One connection carries all
 * calls until it ends. Source: grpc/doc/PROTOCOL-HTTP2.md.
 */
import type { ClientHttp2Session } from 'node:http2';
import type { Connection } from '#system/network.ts';
import { UNARY_HEADERS, unaryCall } from '#system/sockets/unary-call.ts';
import type { System } from '#system/system.ts';
import type { FilterRoom } from '../filter-type.ts';

const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;
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
    ...UNARY_HEADERS,
    ...{ ':path': target.method, ':authority': target.authority },
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
    return unaryCall(opened.request(headers), message, { maxBytes: MAX_RESPONSE_BYTES, signal });
  };
};
