/** Unary calls to a server that answers rightly and wrongly. */
import { type ClientHttp2Session, connect, createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { frameMessage } from './grpc-messages.ts';
import { UNARY_HEADERS, unaryCall } from './unary-call.ts';

const served = async (answer: (stream: ServerHttp2Stream) => void): Promise<ClientHttp2Session> => {
  const server = createServer().on('stream', (stream) => {
    stream.on('error', () => {});
    answer(stream as ServerHttp2Stream);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  session.on('error', () => {});
  onTestFinished(() => {
    session.destroy();
    server.close();
  });
  return session;
};

const answering =
  (body: Uint8Array, trailers: Record<string, string>) =>
  (stream: ServerHttp2Stream): void => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    stream.end(body);
  };

const call = async (answer: (stream: ServerHttp2Stream) => void, signal?: AbortSignal): Promise<string> => {
  const session = await served(answer);
  const stream = session.request({ ...UNARY_HEADERS, ':path': '/a.B/C' });
  return (await unaryCall(stream, Buffer.from('question'), { maxBytes: 100, ...(signal && { signal }) })).toString();
};

test('the message of an answer with status 0 comes back', async () => {
  expect(await call(answering(frameMessage(Buffer.from('answer')), { 'grpc-status': '0' }))).toBe('answer');
});

test.each([
  ['a status', answering(Buffer.alloc(0), { 'grpc-status': '7', 'grpc-message': 'not%20you' }), 'gRPC status 7, not you'],
  ['words that cannot be decoded', answering(Buffer.alloc(0), { 'grpc-status': '7', 'grpc-message': '%' }), 'gRPC status 7, %'],
  ['no status', answering(frameMessage(Buffer.from('a')), {}), 'without a gRPC status'],
  ['no message', answering(Buffer.alloc(0), { 'grpc-status': '0' }), 'not one whole'],
  [
    'two messages',
    answering(Buffer.concat([frameMessage(Buffer.from('a')), frameMessage(Buffer.from('b'))]), { 'grpc-status': '0' }),
    'not one whole',
  ],
  ['a long message', answering(frameMessage(Buffer.alloc(101)), { 'grpc-status': '0' }), 'longer than 100 bytes'],
  ['a page', (stream: ServerHttp2Stream) => stream.respond({ ':status': 404 }, { endStream: true }), 'HTTP status 404'],
])('%s is an error', async (_what, answer, words) => {
  await expect(call(answer)).rejects.toThrow(words);
});

test('nobody is waited for after the signal', async () => {
  const abort = new AbortController();
  const answer = call(() => abort.abort(new Error('too late')), abort.signal);
  await expect(answer).rejects.toThrow('too late');
});
