/** How a check's gRPC call travels: on HTTP/2 streams, or, where no HTTP/2 travels, in HTTP/1.1 messages of the same shape. */
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders, IncomingHttpStatusHeader } from 'node:http2';
import type { Connection } from '#system/network.ts';
import { Http1Client } from '../../codec/http1-client.ts';
import { wholeBody } from '../../http/body.ts';
import { HeaderMap } from '../../http/header-map.ts';
import { NO_TRAILERS } from '../../http/message.ts';

/** One call. headers: name, value, name, value …, without pseudo fields. */
export interface GrpcQuestion {
  readonly authority: string;
  readonly path: string;
  readonly scheme: 'http' | 'https';
  readonly headers: readonly string[];
  readonly message: Buffer;
  readonly maxBytes: number;
}

/** What came back. */
export interface GrpcAnswer {
  readonly httpStatus: number;
  /** Undefined when the answer did not say. */
  readonly grpcStatus: string | undefined;
  readonly body: Buffer;
}

/** LIVING STATE: keeps its connection. */
export interface GrpcTransport {
  /** Rejects when there is no whole answer, and as soon as the signal aborts. */
  call(question: GrpcQuestion, signal: AbortSignal): Promise<GrpcAnswer>;
  close(): void;
}

type Dial = (signal: AbortSignal) => Promise<Connection>;

const MAX_HEAD_BYTES = 80 * 1024;
/** HTTP/2's CANCEL. */
const CANCEL = 8;

/** For simulated networks. */
export const grpcOverHttp1 = (dial: Dial): GrpcTransport => {
  let client: Http1Client | undefined;
  const close = (): void => {
    client?.close();
    client = undefined;
  };
  return {
    call: async ({ authority, path, scheme, headers, message, maxBytes }, signal) => {
      if (!client || client.closed) client = new Http1Client(await dial(signal), { maxHeadBytes: MAX_HEAD_BYTES });
      const body = wholeBody(message);
      const request = { method: 'POST', scheme, authority, path, headers: new HeaderMap(headers), body, trailers: NO_TRAILERS };
      const answer = await client.send(request, signal);
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      for await (const chunk of answer.body) {
        bytes += chunk.length;
        if (bytes > maxBytes) throw new RangeError('the answer is too long');
        chunks.push(chunk);
      }
      // Trailers of HTTP/1.1 go nowhere, as in Envoy: the status stands in the head.
      return { httpStatus: answer.status, grpcStatus: answer.headers.get('grpc-status'), body: Buffer.concat(chunks) };
    },
    close,
  };
};

const textOf = (value: string | readonly string[] | undefined): string | undefined => (typeof value === 'string' ? value : undefined);

/** Settles when the stream is over. */
const answerOn = (stream: ClientHttp2Stream, maxBytes: number, signal: AbortSignal): Promise<GrpcAnswer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let head: (IncomingHttpHeaders & IncomingHttpStatusHeader) | undefined;
    let trailers: IncomingHttpHeaders | undefined;
    const give = (error: unknown): void => {
      reject(error);
      stream.close(CANCEL);
    };
    const abort = (): void => give(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    stream
      .on('response', (headers) => {
        head = headers;
      })
      .on('trailers', (headers) => {
        trailers = headers;
      })
      .on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > maxBytes) give(new RangeError('the answer is too long'));
        else chunks.push(chunk);
      })
      .on('error', reject)
      .on('close', () => {
        signal.removeEventListener('abort', abort);
        if (!head || stream.rstCode !== 0) reject(new Error('the stream ended without an answer'));
        const grpcStatus = textOf(head?.['grpc-status'] ?? trailers?.['grpc-status']);
        resolve({ httpStatus: head?.[':status'] ?? 0, grpcStatus, body: Buffer.concat(chunks) });
      });
  });

/** Over node's own HTTP/2, which is loaded with the first call. */
export const grpcOverHttp2 = (dial: Dial): GrpcTransport => {
  let session: ClientHttp2Session | undefined;
  const open = async (authority: string, signal: AbortSignal): Promise<ClientHttp2Session> => {
    const { connect } = await import('node:http2');
    const connection = await dial(signal);
    // Nothing comes any more, so no call will be answered.
    connection.once('end', () => connection.destroy());
    const opened = connect(`http://${authority}`, { createConnection: () => connection, settings: { enablePush: false } });
    const forget = (): void => {
      if (session === opened) session = undefined;
    };
    // Calls hear of it themselves; between calls nobody is there to mind.
    opened
      .on('error', () => {})
      .once('close', forget)
      .once('goaway', forget);
    opened.unref();
    session = opened;
    return opened;
  };
  return {
    call: async ({ authority, path, scheme, headers, message, maxBytes }, signal) => {
      const opened = session && !session.closed && !session.destroyed ? session : await open(authority, signal);
      if (signal.aborted) throw signal.reason;
      const fields: Record<string, string> = {};
      for (let i = 0; i < headers.length; i += 2) fields[headers[i] as string] = headers[i + 1] as string;
      const stream = opened.request({ ':method': 'POST', ':path': path, ':authority': authority, ':scheme': scheme, ...fields });
      const answer = answerOn(stream, maxBytes, signal);
      stream.end(message);
      return answer;
    },
    close: () => {
      session?.destroy();
      session = undefined;
    },
  };
};
