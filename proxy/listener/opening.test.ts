import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FilterChainMatch } from '#envoy';
import { bestChain } from './filter-chain-match.ts';
import { parseProxyLine } from './original-destination.ts';
import { sniff } from './protocol-sniff.ts';

test('a PROXY line gives source, destination and its own length', () => {
  expect(parseProxyLine(Buffer.from('PROXY TCP4 127.0.0.1 240.240.0.3 5000 9080\r\nGET'))).toEqual({
    length: 44,
    ends: { source: { address: '127.0.0.1', port: 5000 }, destination: { address: '240.240.0.3', port: 9080 } },
  });
});

test('a PROXY line that is cut asks for more, one that is wrong is invalid', () => {
  expect(parseProxyLine(Buffer.from('PROXY TCP4 127'))).toBeUndefined();
  expect(parseProxyLine(Buffer.from('GET / HTTP/1.1\r\n'))).toBe('none');
  expect(parseProxyLine(Buffer.from('PROXY TCP4 a b 1 2\r\n'))).toBe('invalid');
});

/** A PROXY header of version 2. */
const v2 = (command: number, family: number, body: readonly number[]): Buffer =>
  Buffer.from([...Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'), command, family, body.length >> 8, body.length & 255, ...body]);
const V4 = [1, 2, 3, 4, 5, 6, 7, 8, 0, 80, 1, 187];
const V6 = [...Array(15).fill(0), 1, 32, 1, 13, 184, ...Array(11).fill(0), 2, 0, 80, 1, 187];

test('version 2 gives both ends, in any cut of its bytes', () => {
  const header = v2(0x21, 0x11, V4);
  const ends = { source: { address: '1.2.3.4', port: 80 }, destination: { address: '5.6.7.8', port: 443 } };
  expect(parseProxyLine(Buffer.concat([header, Buffer.from('GET')]))).toEqual({ length: 28, ends });
  for (let cut = 1; cut < header.length; cut++) expect(parseProxyLine(header.subarray(0, cut))).toBeUndefined();
  expect(parseProxyLine(v2(0x21, 0x21, V6))).toMatchObject({
    ends: { source: { address: '::1' }, destination: { address: '2001:db8::2' } },
  });
});

test('version 2 may carry extensions, and may tell no addresses', () => {
  expect(parseProxyLine(v2(0x21, 0x11, [...V4, 1, 0, 2, 104, 50]))).toMatchObject({ length: 33 });
  expect(parseProxyLine(v2(0x20, 0, []))).toEqual({ length: 16 });
  expect(parseProxyLine(v2(0x20, 0x11, V4))).toEqual({ length: 28 });
});

test.each([
  ['another version', v2(0x11, 0x11, V4)],
  ['another command', v2(0x22, 0x11, V4)],
  ['another family', v2(0x21, 0x31, V4)],
  ['no family for a proxied connection', v2(0x21, 0, [])],
  ['too few bytes', v2(0x21, 0x11, [1, 2, 3, 4])],
  ['an extension longer than the header', v2(0x21, 0x11, [...V4, 1, 0, 200, 104])],
  ['a source that nobody can have', v2(0x21, 0x11, [0, 0, 0, 0, ...V4.slice(4)])],
  ['a multicast destination', v2(0x21, 0x11, [1, 2, 3, 4, 224, ...V4.slice(5)])],
  ['a port beyond 65535', Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 70000 2\r\n')],
  ['a negative port', Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 -1 2\r\n')],
  ['mixed families', Buffer.from('PROXY TCP4 2001:db8::1 5.6.7.8 1 2\r\n')],
  ['a word too many', Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n')],
  ['a line without an end', Buffer.from(`PROXY ${'a'.repeat(120)}`)],
  ['any address', Buffer.from('PROXY TCP4 0.0.0.0 5.6.7.8 1 2\r\n')],
])('a PROXY header with %s is invalid', (_, bytes) => {
  expect(parseProxyLine(bytes)).toBe('invalid');
});

test('random bytes are a PROXY header or not: nothing is thrown', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom('', 'PROXY TCP4 ', '\r\n\r\n\0\r\nQUIT\n\x21\x11'), (bytes, start) => {
      parseProxyLine(Buffer.concat([Buffer.from(start, 'latin1'), bytes]));
    }),
    { numRuns: 500 },
  );
});

test('each inspector sees only its own protocol', () => {
  const tls = Buffer.from([0x16, 3, 1]);
  const http = Buffer.from('GET / HTTP/1.1\r\n');
  expect(sniff(tls, { tls: false, http: true })).toBe('opaque');
  expect(sniff(http, { tls: true, http: false })).toBe('opaque');
  expect(sniff(Buffer.from('GE'), { tls: true, http: false })).toBe('opaque');
});

test('first bytes tell HTTP from TLS and from anything else', () => {
  expect(sniff(Buffer.from('GET / HTTP/1.1\r\n'))).toBe('http1');
  expect(sniff(Buffer.from([0x16, 3, 1]))).toBe('tls');
  expect(sniff(Buffer.from('\x00\x01'))).toBe('opaque');
  expect(sniff(Buffer.from('GE'))).toBe('undetermined');
});

test('the destination port decides before the application protocol does', () => {
  const chains = [{ destinationPort: 9080 }, { applicationProtocols: ['http/1.1'] }, {}].map((match) => ({
    match: FilterChainMatch.fromPartial(match),
  }));
  const at = (port: number, protocols: string[]) =>
    bestChain(chains, {
      destination: { address: '10.0.0.1', port },
      source: { address: '10.0.0.2', port: 1 },
      serverName: '',
      transport: 'raw_buffer',
      protocols,
    });
  expect(at(9080, ['http/1.1'])).toBe(chains[0]);
  expect(at(80, ['http/1.1'])).toBe(chains[1]);
  expect(at(80, [])).toBe(chains[2]);
});
