/**
 * The ADS stream, or one of secrets alone, over gRPC to a cluster of the bootstrap, on node:http2 alone: one call of one method needs little of gRPC, and a gRPC library
 * costs every sidecar megabytes and a fifth of its start. Imported only by proxies that have a control plane.
 * Source: grpc/doc/PROTOCOL-HTTP2.md.
 */
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import type { OpenAdsStream } from '#api/ads-stream.ts';
import { DiscoveryRequest, DiscoveryResponse } from '#envoy';
import type { Clock } from '#system/clock.ts';
import { frameMessage, messageReader } from '#system/sockets/grpc-messages.ts';
import type { StreamAddress } from './control-plane-address.ts';

const METHODS = {
  ads: '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources',
  sds: '/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets',
} as const;
const MAX_RESPONSE_BYTES = 64 * 1024 * 1024;
const WINDOW_BYTES = 1024 * 1024;
const PING_EVERY_MS = 20_000;
const INTERNAL = 13;
const UNAVAILABLE = 14;

/** Plain-text gRPC. A control plane that has gone silent is found out by pings. Why a stream ended reads as in Envoy's log: `14, connect ECONNREFUSED …`. */
export const grpcAdsStream = (at: StreamAddress, clock: Clock, method: keyof typeof METHODS = 'ads'): OpenAdsStream => {
  const authority = 'pipe' in at ? 'localhost' : at.address.includes(':') ? `[${at.address}]:${at.port}` : `${at.address}:${at.port}`;
  return (events) => {
    const session = connect(`http://${authority}`, {
      settings: { enablePush: false, initialWindowSize: WINDOW_BYTES },
      // A big mesh in one response is no attack: MAX_RESPONSE_BYTES bounds it.
      maxSessionMemory: Number.MAX_SAFE_INTEGER,
      ...('pipe' in at && { createConnection: () => connectSocket(at.pipe) }),
    });
    const call = session.request({ ...REQUEST, ':path': METHODS[method] });
    const over = new AbortController();
    const finish = (): void => {
      over.abort();
      session.destroy();
    };
    const end = (code: number, message: string): void => {
      if (over.signal.aborted) return;
      finish();
      events.ended(code === 0 ? '' : `${code}, ${message}`);
    };
    const lost = ({ message, cause }: Error): void => end(UNAVAILABLE, cause instanceof Error ? cause.message : message);
    const read = messageReader(MAX_RESPONSE_BYTES);
    session.once('connect', () => session.setLocalWindowSize(WINDOW_BYTES)).on('error', lost);
    pingWhileOpen(session, clock, over.signal, lost);
    call
      .on('response', (headers) => {
        // A call that failed at once has its status here and no trailers.
        if (headers['grpc-status'] !== undefined) end(...statusOf(headers));
        else if (headers[':status'] !== 200) end(UNAVAILABLE, `HTTP status ${headers[':status']}`);
      })
      .on('data', (chunk: Buffer) => {
        try {
          for (const message of read(chunk)) if (!over.signal.aborted) events.response(DiscoveryResponse.decode(message));
        } catch (error) {
          end(INTERNAL, error instanceof Error ? error.message : String(error));
        }
      })
      .on('trailers', (trailers) => end(...statusOf(trailers)))
      .on('error', lost)
      .on('close', () => end(UNAVAILABLE, 'closed without a status'));
    return {
      send: (request) => void (over.signal.aborted || call.write(frameMessage(DiscoveryRequest.encode(request).finish()))),
      close: finish,
    };
  };
};

const REQUEST = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers', 'user-agent': 'dinghy' };

const statusOf = (headers: IncomingHttpHeaders): [code: number, message: string] => {
  const code = Number(headers['grpc-status'] ?? UNAVAILABLE);
  const message = String(headers['grpc-message'] ?? '');
  try {
    return [code, decodeURIComponent(message)];
  } catch {
    return [code, message];
  }
};

/** Each ping must have been answered when the next is due; one that waits for the connection counts as well. */
const pingWhileOpen = (session: ClientHttp2Session, clock: Clock, over: AbortSignal, lost: (error: Error) => void): void => {
  let unanswered = false;
  const answered = (error: Error | null): void => {
    unanswered = error !== null;
  };
  const ping = (): void => {
    if (unanswered) lost(new Error('pings are not answered'));
    else {
      unanswered = true;
      session.ping(answered);
    }
  };
  clock.every(PING_EVERY_MS, ping, over);
};
