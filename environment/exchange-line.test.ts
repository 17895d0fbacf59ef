/** Lines of a proxy's output that are exchanges, and lines that are not. */
import { expect, it } from 'vitest';
import { readExchange } from './exchange-line.ts';

const reporter = { name: 'reviews-v1', address: '127.96.1.3', isGateway: false };
const line = (fields: object): string => JSON.stringify({ kind: 'exchange', method: 'GET', path: '/r', response_code: 200, ...fields });

it('tells inbound from outbound by the address that took the request', () => {
  expect(readExchange(line({ downstream_local_address: '127.96.1.3:9080' }), reporter)?.side).toBe('inbound');
  expect(readExchange(line({ downstream_local_address: '240.240.0.3:9080' }), reporter)?.side).toBe('outbound');
  expect(readExchange(line({ downstream_local_address: '127.96.1.3:8080' }), { ...reporter, isGateway: true })?.side).toBe('gateway');
});

it('turns what is missing into empty text and zero', () => {
  expect(readExchange(line({ response_code: null, upstream_cluster: null, response_flags: null }), reporter)).toMatchObject({
    reporter: 'reviews-v1',
    status: 0,
    cluster: '',
    flags: '-',
    attempts: 0,
  });
});

it.each(['', 'plain text', '{"kind":"exchange"', '{"kind":"log","text":"exchange"}', '{"a":"\\"exchange\\""}', '[]'])(
  'takes %j for something else',
  (text) => {
    expect(readExchange(text, reporter)).toBeUndefined();
  },
);
