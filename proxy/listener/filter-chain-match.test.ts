import { describe, expect, it } from 'vitest';
import { FilterChainMatch } from '#envoy';
import { bestChain, type ConnectionFacts } from './filter-chain-match.ts';
import { refuseOverlaps } from './filter-chain-overlap.ts';

const chains = (...matches: (object | undefined)[]) =>
  matches.map((json, index) => ({ name: index, match: json && FilterChainMatch.fromJSON(json) }));

const facts = (own: Partial<ConnectionFacts> = {}): ConnectionFacts => ({
  destination: { address: '127.0.0.1', port: 80 },
  source: { address: '10.0.0.9', port: 4711 },
  serverName: '',
  transport: 'tls',
  protocols: [],
  ...own,
});

const chosen = (matches: readonly (object | undefined)[], own: Partial<ConnectionFacts>) => bestChain(chains(...matches), facts(own))?.name;

describe('server names', () => {
  const matches = [
    { serverNames: ['a.test'] },
    { serverNames: ['*.test'] },
    { serverNames: ['*.b.test', 'x.org'] },
    { transportProtocol: 'tls' },
  ];

  it.each([
    ['a.test', 0],
    ['z.test', 1],
    ['y.b.test', 2],
    ['b.test', 1],
    ['test', 3],
    ['q.x.org', 3],
    ['', 3],
  ])('%s goes to chain %i: the exact name, then the longest suffix', (serverName, index) => {
    expect(chosen(matches, { serverName })).toBe(index);
  });

  it('are not taken back when a later criterion fails', () => {
    const strict = [{ serverNames: ['a.test'], transportProtocol: 'raw_buffer' }, { serverNames: ['*.test'] }, undefined];
    expect(chosen(strict, { serverName: 'a.test' })).toBeUndefined();
  });
});

it('of the protocols that a client offers its first that any chain has decides', () => {
  const matches = [{ applicationProtocols: ['h2'] }, { applicationProtocols: ['http/1.1', 'foo'] }];
  expect([['foo', 'h2'], ['h2', 'foo'], ['bar', 'h2'], ['bar']].map((protocols) => chosen(matches, { protocols }))).toEqual([
    1,
    0,
    0,
    undefined,
  ]);
});

it('a source is local when it is the same address or the first of the loopback network', () => {
  const matches = [{ sourceType: 'SAME_IP_OR_LOOPBACK' }, { sourceType: 'EXTERNAL' }];
  const from = (address: string) => chosen(matches, { source: { address, port: 1 } });
  expect([from('127.0.0.1'), from('::1'), from('127.0.0.9'), from('10.0.0.9')]).toEqual([0, 0, 1, 1]);
  expect(chosen(matches, { destination: { address: '127.0.0.9', port: 1 }, source: { address: '127.0.0.9', port: 2 } })).toBe(0);
});

it('the longer prefix wins, of where a connection goes before whence it comes', () => {
  const range = (addressPrefix: string, prefixLen: number) => ({ addressPrefix, prefixLen });
  const matches = [
    { prefixRanges: [range('127.0.0.0', 8)], sourcePrefixRanges: [range('10.0.0.9', 32)] },
    { prefixRanges: [range('127.0.0.1', 32)] },
    { sourcePrefixRanges: [range('10.0.0.0', 8)] },
  ];
  expect(chosen(matches, {})).toBe(1);
});

describe('chains that want the same', () => {
  it.each([
    ['everything', [{}, {}]],
    ['everything, one without saying so', [undefined, {}]],
    ['one name of several', [{ serverNames: ['a.test'] }, { serverNames: ['b.test', 'a.test'] }]],
    [
      'one network, written in two ways',
      [{ prefixRanges: [{ addressPrefix: '10.0.0.0', prefixLen: 8 }] }, { prefixRanges: [{ addressPrefix: '10.1.0.0', prefixLen: 8 }] }],
    ],
  ])('are refused: %s', (_, matches) => {
    expect(() => refuseOverlaps(chains(...matches))).toThrow(
      'filter_chains[1].filter_chain_match: takes connections that filter_chains[0] takes',
    );
  });

  it('differ in one criterion at least', () => {
    expect(() =>
      refuseOverlaps(chains({ serverNames: ['a.test'] }, { serverNames: ['a.test'], sourcePorts: [1] }, { serverNames: ['*.test'] }, {})),
    ).not.toThrow();
  });
});
