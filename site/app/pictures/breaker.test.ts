import { expect, test } from 'vitest';
import type { BreakerView, HeldRequest, SentAnswer } from '../live/types.ts';
import { seatedOf, seatingOf } from './breaker.ts';

const view = (used: number, waiting: number): BreakerView => ({
  from: 'productpage-v1',
  cluster: 'outbound|9080|v1|reviews.default.svc.cluster.local',
  connections: { used, limit: 3, refused: 0 },
  pending: { used: waiting, limit: 2, refused: 1 },
  requests: { used, refused: 0 },
  retries: { used: 0, refused: 0 },
});

const answer = (fields: Partial<SentAnswer>): SentAnswer => ({
  status: 200,
  durationMs: 1,
  body: '',
  error: '',
  requestId: 'r',
  servedBy: 'reviews-v1',
  flags: '-',
  ...fields,
});

test('the bar is open while there is a place, then for who waits, then shut', () => {
  expect([view(2, 0), view(3, 1), view(3, 2)].map((one) => seatingOf(one).next)).toEqual(['goes in', 'waits', 'is refused']);
  expect(seatingOf(view(3, 1))).toMatchObject({ places: 3, placesUsed: 3, seats: 2, seatsUsed: 1 });
});

test('without any limit everybody goes in', () => {
  const free = { ...view(500, 0), connections: { used: 500, refused: 0 } };
  expect(seatingOf(free)).toMatchObject({ places: undefined, next: 'goes in' });
});

test('the oldest have the places, the refused one is known by its flag, and a released one makes room for the next in line', () => {
  const requests: HeldRequest[] = [1, 2, 3, 4, 5, 6].map((number) => ({ number, from: 'productpage-v1' }));
  const refused = requests.map((one) => (one.number === 6 ? { ...one, answer: answer({ status: 503, flags: 'UO', servedBy: '' }) } : one));
  expect(seatedOf(refused, 3).map(({ where }) => where)).toEqual(['place', 'place', 'place', 'seat', 'seat', 'refused']);
  const later = refused.map((one) => (one.number === 1 ? { ...one, answer: answer({}) } : one));
  expect(seatedOf(later, 3).map(({ where }) => where)).toEqual(['answered', 'place', 'place', 'place', 'seat', 'refused']);
});
