import { expect, test } from 'vitest';
import { simulatedSystem } from '../system/simulated-system.ts';
import { authority, ME } from './authority.fixture.ts';
import { CertificateClient } from './certificate-client.ts';
import type { CertificateSecret } from './secret-store.ts';

const LIFE = 3600;

const setUp = (seed = 1, lifeSeconds = LIFE) => {
  const system = simulatedSystem({ seed });
  const ca = authority(system.clock);
  const startMs = system.clock.wallTimeMs();
  const put: (CertificateSecret | undefined)[] = [];
  const client = new CertificateClient({ spiffeId: ME, lifeSeconds, issue: ca.issue, system, put: (secret) => void put.push(secret) });
  client.start();
  const events = (name: string) => system.events.filter(({ event }) => event === name);
  const gone = () => Promise.reject(new Error('the authority is away'));
  const secondsIn = () => ca.asked.map(({ atMs }) => (atMs - startMs) / 1000);
  return { system, ca, put, client, events, gone, secondsIn, advance: (seconds: number) => system.clock.advance(seconds * 1000) };
};

test('a certificate comes at once, and the next at about half of its life, with another key', async () => {
  const { put, advance, secondsIn } = setUp();
  await advance(0);
  expect(put).toHaveLength(1);
  await advance(LIFE * 0.45 - 1);
  expect(put).toHaveLength(1);
  await advance(LIFE * 0.1 + 2);
  expect(put).toHaveLength(2);
  expect(put[0]?.privateKey).not.toBe(put[1]?.privateKey);
  expect(secondsIn()[1]).toBeGreaterThanOrEqual(LIFE * 0.45);
  expect(secondsIn()[1]).toBeLessThanOrEqual(LIFE * 0.55);
});

test('workloads that start together do not renew together, and the same seed renews at the same moment', async () => {
  const renewals = await Promise.all(
    [1, 2, 3, 1].map(async (seed) => {
      const { advance, secondsIn } = setUp(seed);
      await advance(LIFE * 0.6);
      return secondsIn()[1];
    }),
  );
  expect(new Set(renewals).size).toBe(3);
  expect(renewals[3]).toBe(renewals[0]);
});

test('a certificate of a minute is renewed twice a minute, not more', async () => {
  const { advance, ca } = setUp(1, 60);
  await advance(600);
  expect(ca.asked.length).toBeGreaterThanOrEqual(18);
  expect(ca.asked.length).toBeLessThanOrEqual(23);
});

test('less than a minute is refused', () => {
  expect(() => setUp(1, 59)).toThrow('a certificate must live at least 60 s, not 59');
});

test('who has a certificate shows it; who has none has nothing to show', async () => {
  const { ca, put, advance } = setUp();
  await advance(LIFE * 0.6);
  expect(ca.asked.map(({ request }) => request.current)).toEqual([undefined, put[0]]);
});

test('an authority that is away is asked less and less often, and never all the time', async () => {
  const { ca, gone, advance, secondsIn, put } = setUp();
  ca.answer = gone;
  await advance(600);
  const pauses = secondsIn()
    .slice(1)
    .map((at, index) => at - (secondsIn()[index] ?? 0));
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(0.5);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(60);
  expect(ca.asked.length).toBeLessThan(30);
  expect(new Set(pauses).size).toBeGreaterThan(5);
  expect(put).toEqual([]);
  ca.answer = (request) => Promise.resolve(ca.leaf(request));
  await advance(61);
  expect(put).toHaveLength(1);
});

test('when renewal fails one warning comes at half of the life, one error at four fifths, and at its end there is nothing left', async () => {
  const { ca, gone, advance, events, put, system } = setUp();
  await advance(0);
  ca.answer = gone;
  await advance(LIFE * 0.6);
  expect(events('identity.renewal-overdue').map(({ level }) => level)).toEqual(['warn']);
  await advance(LIFE * 0.15);
  expect(events('identity.renewal-overdue')).toHaveLength(1);
  await advance(LIFE * 0.1);
  expect(events('identity.renewal-overdue').map(({ level }) => level)).toEqual(['warn', 'error']);
  expect(put).toHaveLength(1);
  expect(system.metrics.value('identity.certificate_seconds_left')).toBe(540);
  await advance(LIFE * 0.16);
  expect(put).toEqual([put[0], undefined]);
  expect(events('identity.expired').map(({ level }) => level)).toEqual(['error']);
  ca.answer = (request) => Promise.resolve(ca.leaf(request));
  await advance(61);
  expect(put).toHaveLength(3);
  expect(ca.asked.at(-1)?.request.current).toBeUndefined();
});

test('a renewal that succeeds in time alarms nobody', async () => {
  const { advance, events } = setUp();
  await advance(LIFE * 5);
  expect(events('identity.renewal-overdue')).toEqual([]);
});

test('an authority that never answers is given up, and only one request is under way', async () => {
  const { ca, advance, events } = setUp();
  ca.answer = () => new Promise(() => {});
  await advance(14);
  expect(ca.asked).toHaveLength(1);
  await advance(2);
  expect(events('identity.request-failed').map(({ fields }) => fields?.reason)).toEqual(['no answer within 15 s']);
});

test.each([
  ['for somebody else', { identity: 'spiffe://cluster.local/ns/default/sa/other' }, 'is for spiffe://cluster.local/ns/default/sa/other'],
  ['for another key', { key: 'another' }, ''],
])('a certificate %s is refused', async (_what, extra, words) => {
  const { ca, put, advance, events } = setUp();
  ca.answer = (request) => Promise.resolve(ca.leaf(request, extra));
  await advance(0.1);
  await advance(5);
  expect(put).toEqual([]);
  expect(String(events('identity.request-failed')[0]?.fields?.reason)).toContain(words);
});

test('no key is in any line of the log', async () => {
  const { ca, gone, advance, put, system } = setUp();
  await advance(LIFE);
  ca.answer = gone;
  await advance(LIFE * 2);
  const log = JSON.stringify(system.events);
  expect(log).not.toContain('PRIVATE KEY');
  for (const secret of put) if (secret) expect(log).not.toContain(secret.privateKey.split('\n')[1]);
});
