import { expect, test } from 'vitest';
import { type ReadRequest, readBody, readHead } from './read-request.ts';

const read = (text: string): ReadRequest | undefined => {
  const head = readHead(text);
  return head && readBody(text, head);
};

test('a body by length ends where the next request begins', () => {
  const first = 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi';
  expect(read(`${first}GET /y HTTP/1.1\r\n\r\n`)).toMatchObject({ method: 'POST', path: '/x', body: 'hi', length: first.length });
});

test('chunks are joined, and trailers belong to the request without becoming headers', () => {
  const text = 'POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\n1\r\nd\r\n0\r\nx-late: 1\r\n\r\n';
  expect(read(text)).toMatchObject({ body: 'abcd', length: text.length, headers: [['Transfer-Encoding', 'chunked']] });
});

test('nothing is read before all of it is here', () => {
  const text = 'POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n';
  for (let end = 0; end < text.length; end++) expect(read(text.slice(0, end))).toBeUndefined();
});

test.each(['GET  /x HTTP/1.1', 'GET /x HTTP/1.0', 'GET /x HTTP/1.1\r\nno header'])('%j is refused', (head) => {
  expect(() => readHead(`${head}\r\n\r\n`)).toThrow();
});
