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
