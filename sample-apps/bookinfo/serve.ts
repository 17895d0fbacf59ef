/** What the four services have in common: an HTTP server on PORT, JSON answers, and the headers that belong to a request's whole journey. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Held, REHEARSAL_PREFIX, rehearsalOf, rehearse } from './rehearsal.ts';

/** One answer. */
export interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers one request; `path` is without the query. */
export type Answer = (request: IncomingMessage, path: string) => Promise<Reply> | Reply;

const JOURNEY = [
  'x-request-id',
  'traceparent',
  'tracestate',
  'baggage',
  'b3',
  'x-b3-traceid',
  'x-b3-spanid',
  'x-b3-parentspanid',
  'x-b3-sampled',
  'x-b3-flags',
  'end-user',
  'user-type',
  'user-agent',
  'cookie',
  'authorization',
];

/** Headers that a service copies from the request it got to the requests it makes, so that traces and header rules reach the end. */
export const journeyHeaders = (request: IncomingMessage): Record<string, string> => {
  const copied: Record<string, string> = {};
  for (const name of JOURNEY) {
    const value = request.headers[name];
    if (typeof value === 'string') copied[name] = value;
  }
  for (const [name, value] of Object.entries(request.headers))
    if (name.startsWith(REHEARSAL_PREFIX) && typeof value === 'string') copied[name] = value;
  return copied;
};

/** JSON with a status. */
export const json = (status: number, value: unknown): Reply => ({ status, type: 'application/json', body: JSON.stringify(value) });

/** A page. */
export const html = (status: number, body: string, headers: Readonly<Record<string, string>> = {}): Reply => ({
  status,
  type: 'text/html; charset=utf-8',
  body,
  headers,
});

/** The whole body as text; rejects above 64 KiB. */
export const readBody = async (request: IncomingMessage): Promise<string> => {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > 65_536) throw new Error('body is too large');
  }
  return text;
};

const send = (response: ServerResponse, reply: Reply): void => {
  response.writeHead(reply.status, { 'content-type': reply.type, 'content-length': Buffer.byteLength(reply.body), ...reply.headers });
  response.end(reply.body);
};

/** Aborts when whoever asked has left before the answer. */
const leavingOf = (response: ServerResponse): AbortSignal => {
  const left = new AbortController();
  response.once('close', () => left.abort());
  return left.signal;
};

/** Listens on 127.0.0.1 at PORT (9080 when unset) until SIGTERM or SIGINT. service: its name in rehearsals. */
export const serve = (service: string, answer: Answer): void => {
  const version = process.env.SERVICE_VERSION ?? 'v1';
  const held = new Held();
  const rehearsed = async (request: IncomingMessage, response: ServerResponse, path: string): Promise<Reply> => {
    const asked = rehearsalOf(request, service, version);
    if (asked.release !== undefined) return json(200, { released: held.release(asked.release), held: held.count });
    await rehearse(asked, held, leavingOf(response));
    return asked.fail === undefined ? answer(request, path) : json(asked.fail, { error: `${service} fails, as it was asked to` });
  };
  const server = createServer(async (request, response) => {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    try {
      send(response, await rehearsed(request, response, path));
    } catch (error) {
      send(response, json(500, { error: error instanceof Error ? error.message : 'unknown' }));
    }
  });
  server.keepAliveTimeout = 60_000;
  server.listen(Number(process.env.PORT ?? 9080), '127.0.0.1');
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      server.close();
      server.closeAllConnections();
    });
  }
};
