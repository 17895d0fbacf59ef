import { expect, test } from 'vitest';
import { EMPTY_BODY } from '../http/body.ts';
import { HeaderMap } from '../http/header-map.ts';
import { type HttpRequest, NO_TRAILERS } from '../http/message.ts';
import { StreamRecord } from '../http/stream-record.ts';
import { ownAnswer } from './own-answer.ts';

const here = { address: '127.0.0.1', port: 1 };
const request = (...pairs: [string, string][]): HttpRequest => ({
  method: 'GET',
  scheme: 'http',
  authority: 'a.test',
  path: '/p',
  headers: HeaderMap.of(...pairs),
  body: EMPTY_BODY,
  trailers: NO_TRAILERS,
});
const html = (draft: string[]) => void draft.push('content-type', 'text/html');
const given = (status: number, asked: HttpRequest) => {
  const answer = { status, body: new TextEncoder().encode('no'), location: () => 'http://a.test/p' };
  return ownAnswer(answer, [html])(asked, new StreamRecord(1, { id: 1, local: here, remote: here }, 0, 0));
};

test('a route that says its type is believed', async () => {
  const { status, headers } = await given(201, request());
  expect([status, headers.flat]).toEqual([201, ['location', 'http://a.test/p', 'content-type', 'text/html', 'content-length', '2']]);
});

test('a gRPC client is answered in gRPC, whatever the status and type', async () => {
  const { status, headers, body } = await given(503, request(['content-type', 'application/grpc']));
  expect([status, body.whole?.length]).toEqual([200, 0]);
  expect(headers.flat).toEqual([
    ...['location', 'http://a.test/p', 'content-type', 'application/grpc'],
    ...['grpc-status', '14', 'grpc-message', 'no'],
  ]);
});
