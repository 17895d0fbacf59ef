import { expect, it } from 'vitest';
import { seededRandom } from '#system/random.ts';
import type { Candidate } from '../balancers/balancer.ts';
import { keptTables } from './kept-tables.ts';

const host = (key: string) => ({ key, weight: 1, activeRequests: 0, hostname: 'h' });

it('builds a table once for the same hosts, and anew when a host, a weight, a name or a share is another', () => {
  let built = 0;
  const build = keptTables(<H extends Candidate>(hosts: readonly H[]) => {
    built++;
    return { pick: () => hosts[0] };
  }, 'hostname');
  const random = seededRandom(1);
  const [a, b] = [host('a'), host('b')];
  const first = build([a, b], random);
  expect(build([a, b], random)).toBe(first);
  build([a], random);
  // Who was ejected is back.
  expect(build([a, b], random)).toBe(first);
  expect(built).toBe(2);
  b.weight = 2;
  build([a, b], random);
  b.hostname = 'other';
  build([a, b], random);
  build([a, b], random, [0.5, 0.5]);
  build([a, host('b')], random);
  expect(built).toBe(6);
});
