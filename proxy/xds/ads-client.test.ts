import { expect, test } from 'vitest';
import type { AdsClientEvents } from '#api/ads-stream.ts';
import { TYPE_URLS } from '#api/kinds.ts';
import { type DiscoveryRequest, DiscoveryResponse, Node } from '#envoy';
import { simulatedSystem } from '../system/simulated-system.ts';
import { AdsClient } from './ads-client.ts';

const setUp = (take: () => string = () => '') => {
  const system = simulatedSystem();
  const sent: DiscoveryRequest[] = [];
  const streams: AdsClientEvents[] = [];
  const client = new AdsClient({
    system,
    take,
    node: Node.fromPartial({ id: 'n' }),
    open: (events) => {
      streams.push(events);
      return { send: (request) => void sent.push(request), close: () => {} };
    },
  });
  client.want('cds');
  client.start();
  return { system, sent, streams, client };
};

const clusters = (version: string) => DiscoveryResponse.fromPartial({ typeUrl: TYPE_URLS.cds, versionInfo: version, nonce: `n${version}` });

test('only the first request of a stream carries the node', () => {
  const { sent, client } = setUp();
  client.want('lds');
  expect(sent.map((request) => request.node?.id)).toEqual(['n', undefined]);
});

test('an accepted response is acknowledged with its version and nonce', () => {
  const { sent, streams } = setUp();
  streams[0]?.response(clusters('1'));
  expect(sent.at(-1)).toMatchObject({ versionInfo: '1', responseNonce: 'n1' });
  expect(sent.at(-1)?.errorDetail).toBeUndefined();
});

test('a refused response is answered with the last good version and the reason', () => {
  let answer = '';
  const { sent, streams } = setUp(() => answer);
  streams[0]?.response(clusters('1'));
  answer = 'bad';
  streams[0]?.response(clusters('2'));
  expect(sent.at(-1)).toMatchObject({ versionInfo: '1', responseNonce: 'n2', errorDetail: { message: 'bad', code: 3 } });
});

test('a lost stream comes back after a jittered pause with versions and without nonces', async () => {
  const { system, sent, streams, client } = setUp();
  client.want('eds', new Set(['b', 'a']));
  streams[0]?.response(clusters('1'));
  sent.length = 0;
  streams[0]?.ended('gone');
  expect(streams).toHaveLength(1);
  await system.clock.advance(500);
  expect(streams).toHaveLength(2);
  expect(sent).toMatchObject([
    { typeUrl: TYPE_URLS.cds, versionInfo: '1', responseNonce: '', node: { id: 'n' } },
    { typeUrl: TYPE_URLS.eds, versionInfo: '', responseNonce: '', resourceNames: ['a', 'b'] },
  ]);
});

test('asking twice for the same names says nothing, and no names at all are never asked for first', () => {
  const { sent, client } = setUp();
  client.want('rds', new Set());
  client.want('eds', new Set(['a']));
  client.want('eds', new Set(['a']));
  expect(sent).toHaveLength(2);
});
