import { once } from 'node:events';
import { expect, test } from 'vitest';
import type { Connection } from '../network.ts';
import { realNetwork } from './real-network.ts';
import { WireTap } from './wire-tap.ts';

const AT = { address: '127.0.0.1', port: 0 };

/** Both ends of a connection through a tapped network. */
const pairOf = async (tap: WireTap, armedFor = 0) => {
  const network = tap.at(realNetwork());
  const accepted = Promise.withResolvers<Connection>();
  const listener = await network.listen(AT, accepted.resolve);
  tap.arm(armedFor, [listener.address.port]);
  const near = await network.connect(listener.address, { timeoutMs: 1000 });
  const far = await accepted.promise;
  return { near, far, close: () => listener.close() };
};

const text = (base64: string | undefined): string => Buffer.from(base64 ?? '', 'base64').toString('latin1');

test('an armed tap records both ways of both ends, and the bytes arrive as they were', async () => {
  const tap = new WireTap(() => 7);
  const { near, far, close } = await pairOf(tap, 2);
  near.write('ask');
  expect(String((await once(far, 'data'))[0])).toBe('ask');
  far.write('answer');
  expect(String((await once(near, 'data'))[0])).toBe('answer');
  far.end();
  near.resume();
  await once(near, 'end');
  near.end();
  const [dialled, accepted] = tap.connections.toSorted((a, b) => b.side.localeCompare(a.side));
  expect([dialled?.side, text(dialled?.sent.kept), text(dialled?.received.kept)]).toEqual(['dialled', 'ask', 'answer']);
  expect([accepted?.side, text(accepted?.received.kept), accepted?.startedAtMs]).toEqual(['accepted', 'ask', 7]);
  await close();
});

test('disarmed it hands on the connection itself', async () => {
  const tap = new WireTap(() => 0);
  const { near, far, close } = await pairOf(tap);
  near.write('ask');
  await once(far, 'data');
  expect(tap.connections).toEqual([]);
  near.destroy();
  far.destroy();
  await close();
});

test('long traffic is counted and not kept', async () => {
  const tap = new WireTap(() => 0);
  const { near, far, close } = await pairOf(tap, 1);
  far.resume();
  near.write(Buffer.alloc(100_000, 'x'));
  near.end();
  await once(far, 'end');
  const recorded = tap.connections[0];
  const bytes = recorded?.side === 'dialled' ? recorded.sent : recorded?.received;
  expect(bytes?.total).toBe(100_000);
  expect(text(bytes?.kept)).toHaveLength(8192);
  far.destroy();
  await close();
});

test('a connection between other ports is none of its business', async () => {
  const tap = new WireTap(() => 0);
  const network = tap.at(realNetwork());
  const listener = await network.listen(AT, (connection) => connection.destroy());
  tap.arm(2, [1]);
  const near = await network.connect(listener.address, { timeoutMs: 1000 });
  expect(tap.connections).toEqual([]);
  near.destroy();
  await listener.close();
});
