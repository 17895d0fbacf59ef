/** Values of added fields. What they say was asked of Envoy 1.40. */
import { expect, test } from 'vitest';
import { Route } from '#envoy';
import { EMPTY_BODY } from '../http/body.ts';
import { HeaderMap } from '../http/header-map.ts';
import { type HttpRequest, NO_TRAILERS } from '../http/message.ts';
import { StreamRecord } from '../http/stream-record.ts';
import { compileLayer } from './header-edits.ts';
import { compileFormat } from './header-format.ts';

const local = { address: '10.0.0.1', port: 80 };
const remote = { address: '::1', port: 5000 };
const request: HttpRequest = {
  ...{ method: 'GET', scheme: 'http', authority: 'a.test', path: '/p?a=b&c' },
  ...{ headers: HeaderMap.of(['x-q', 'QQ']), body: EMPTY_BODY, trailers: NO_TRAILERS },
};

const stream = (): StreamRecord => {
  const record = new StreamRecord(1, { id: 7, local, remote }, 0, 0);
  record.clusterName = 'c';
  record.routeName = 'r';
  record.attempts.push({ cluster: 'c', host: '10.0.0.2:90', startedAtMs: 0, status: 404 });
  return record;
};

test.each([
  ['%REQ(:METHOD)% %REQ(X-Q)% %REQ(nope?x-q)% %REQ(x-q):1% %REQUEST_HEADER(x-q)%', 'GET QQ QQ Q QQ'],
  ['%RESP(x-b)%|%RESP(nope)%|%RESP(:status)%', 'B||404'],
  ['%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %UPSTREAM_REQUEST_ATTEMPT_COUNT%', '404 - via_upstream 1'],
  ['%UPSTREAM_HOST% %UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %UPSTREAM_CLUSTER% %ROUTE_NAME%', '10.0.0.2:90 10.0.0.2 c r'],
  ['%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_LOCAL_PORT% %CONNECTION_ID%', '[::1]:5000 80 7'],
  ['%QUERY_PARAM(a)%|%QUERY_PARAM(c)%|%QUERY_PARAM(z)%', 'b||'],
  ['100%% %REQUESTED_SERVER_NAME%', '100% '],
])('%s', (format, value) => {
  expect(compileFormat(format, 'response')(request, stream(), ['x-b', 'B'])).toBe(value);
});

test('a request is edited before anything is known of its answer', () => {
  const fresh = new StreamRecord(1, { id: 7, local, remote }, 0, 0);
  const format = '%RESPONSE_CODE%|%RESP(x-b)%|%UPSTREAM_HOST%|%UPSTREAM_REQUEST_ATTEMPT_COUNT%|%RESPONSE_FLAGS%';
  expect(compileFormat(format, 'request')(request, fresh, ['x-b', 'B'])).toBe('0|||1|-');
});

test.each(['%NOPE%', '%REQ%', '%START_TIME(%Y)%', '50%', '%constructor%'])('%s is refused', (format) => {
  expect(() => compileFormat(format, 'request')).toThrow('not supported by this proxy');
});

test('the values of a layer are those of the fields before it, but for removed ones', () => {
  const { requestHeadersToAdd } = Route.fromJSON({
    requestHeadersToAdd: [
      { header: { key: 'x-s', value: '%RESP(x-b)%%RESP(x-r)%' } },
      { header: { key: 'x-b', value: 'new' }, appendAction: 'OVERWRITE_IF_EXISTS_OR_ADD' },
    ],
  });
  const names = { add: 'response_headers_to_add', remove: 'response_headers_to_remove' };
  const edits = compileLayer({ add: requestHeadersToAdd, remove: ['x-r'] }, names);
  const draft = ['x-b', 'old', 'x-r', 'gone'];
  for (const edit of edits) edit(draft, request, stream());
  expect(draft).toEqual(['x-b', 'new', 'x-s', 'old']);
});
