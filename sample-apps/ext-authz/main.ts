/** The sample authorizer on real sockets: over HTTP on PORT, and over gRPC (Envoy's ext_authz) on GRPC_PORT; with PROTOCOL=grpc it speaks gRPC alone, on PORT. */
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttp2, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { readCheck, writeAnswer } from './check-messages.ts';
import { decide } from './decide.ts';

const MOST_BYTES = 1024 * 1024;
const PREFIX_BYTES = 5;
const INTERNAL = '13';
const UNIMPLEMENTED = '12';

const readAll = async (source: AsyncIterable<Buffer>): Promise<Buffer> => {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of source) {
    length += part.length;
    if (length > MOST_BYTES) throw new RangeError('too long');
    parts.push(part);
  }
  return Buffer.concat(parts);
};

const answerHttp = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const headers = Object.entries(request.headersDistinct).flatMap(([name, values = []]) => values.map((value) => [name, value] as const));
  const asked = { method: request.method ?? '', host: request.headers.host ?? '', path: request.url ?? '', headers };
  const decision = decide({ ...asked, body: (await readAll(request)).toString('latin1') }, 'from-http');
  response.writeHead(decision.allowed ? 200 : 403, Object.fromEntries(decision.headers));
  response.end(decision.body);
};

const answerGrpc = async (stream: ServerHttp2Stream, path: string): Promise<void> => {
  const head = { ':status': 200, 'content-type': 'application/grpc' };
  const fail = (status: string): void => stream.respond({ ...head, 'grpc-status': status }, { endStream: true });
  if (path !== '/envoy.service.auth.v3.Authorization/Check') return fail(UNIMPLEMENTED);
  let answer: Uint8Array;
  try {
    answer = writeAnswer(decide(readCheck((await readAll(stream)).subarray(PREFIX_BYTES)), 'from-grpc'));
  } catch {
    return fail(INTERNAL);
  }
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(answer.length, 1);
  stream.respond(head, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(Buffer.concat([prefix, answer]));
};

const http = createHttp((request, response) => {
  answerHttp(request, response).catch(() => request.socket.destroy());
});
const grpc = createHttp2();
grpc.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
  stream.on('error', () => {});
  answerGrpc(stream, headers[':path'] ?? '').catch(() => stream.destroy());
});

http.keepAliveTimeout = 60_000;
const { PORT = '8000', GRPC_PORT = '9000', PROTOCOL } = process.env;
if (PROTOCOL !== 'grpc') http.listen(Number(PORT), '127.0.0.1');
grpc.listen(Number(PROTOCOL === 'grpc' ? PORT : GRPC_PORT), '127.0.0.1');
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.on(signal, () => {
    http.close();
    http.closeAllConnections();
    grpc.close();
    setTimeout(() => process.exit(0), 200).unref();
  });
