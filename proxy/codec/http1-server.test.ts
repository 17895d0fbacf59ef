import { describe, expect, test } from 'vitest';
import { echo, fixedAnswer, readAll, startServer } from './codec.fixture.ts';

const ask = async (bytes: string, handler = echo): Promise<string> => {
  const client = startServer(handler);
  client.write(bytes, 'latin1');
  return readAll(client);
};

const post = (rest: string): string => `POST /x HTTP/1.1\r\nHost: a\r\n${rest}`;

describe('requests that are refused', () => {
  test.each([
    ['content-length beside chunked', post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'), 400],
    ['two lengths', post('Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!'), 400],
    ['signed length', post('Content-Length: +5\r\n\r\nhello'), 400],
    ['a folded line', post('X: y\r\n z\r\n\r\n'), 400],
    ['a space before the colon', post('Content-Length : 5\r\n\r\nhello'), 400],
    ['a bare LF', post('x:x\nTransfer-Encoding: chunked\r\n\r\n'), 400],
    ['a NUL in a value', post('x: a\0b\r\n\r\n'), 400],
    ['a second Host', post('Host: b\r\n\r\n'), 400],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['HTTP/1.0', 'GET / HTTP/1.0\r\nHost: a\r\n\r\n', 426],
    ['HTTP/2.0', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 426],
    ['two spaces', 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['a relative target', 'GET admin HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['CONNECT', 'CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n', 404],
    ['an unknown transfer coding', post('Transfer-Encoding: gzip, chunked\r\n\r\n'), 501],
    ['a huge head', `GET / HTTP/1.1\r\nHost: a\r\nx: ${'y'.repeat(62_000)}\r\n\r\n`, 431],
    ['101 fields', `GET / HTTP/1.1\r\nHost: a\r\n${'x: y\r\n'.repeat(100)}\r\n`, 431],
    ['a bad chunk size', post('Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n'), 400],
    ['userinfo', 'GET / HTTP/1.1\r\nHost: a@b\r\n\r\n', 400],
  ])('%s', async (_, bytes, status) => {
    const answer = await ask(bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  });
});

test('two pipelined requests get two answers in order', async () => {
  const answer = await ask('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  expect(answer.match(/x-path: \/\d/g)).toEqual(['x-path: /1', 'x-path: /2']);
});

test('what follows a request with connection: close is never a request', async () => {
  const answer = await ask('GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n');
  expect(answer).not.toContain('/2');
});

test('a HEAD answer has no body', async () => {
  const answer = await ask('HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', fixedAnswer('hello'));
  expect(answer.endsWith('\r\n\r\n')).toBe(true);
});

test('a chunked body arrives whole whatever its extensions', async () => {
  const answer = await ask(post('Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n'));
  expect(answer).toContain('content-length: 5\r\n');
  expect(answer.endsWith('hello')).toBe(true);
});
