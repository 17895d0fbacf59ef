/**
 * `npm run bench -- --picks`: what a pick costs in each policy, and what building a balancer anew costs, at 10, 1,000 and 10,000 hosts. No proxy is
 * started and no socket opened. Figures are this process's own CPU time, so that other programs on the machine count little.
 */
import type { Candidate } from '#balancers/balancer.ts';
import { type BalancerPolicy, balancerFor } from '#balancers/policies.ts';
import { seededRandom } from '#system/random.ts';
import { xxh64 } from '#system/xxh64.ts';
import { median } from './statistics.ts';

interface MutableCandidate extends Candidate {
  activeRequests: number;
}

interface Contender {
  readonly name: string;
  readonly policy: BalancerPolicy;
  readonly weightOf: (index: number) => number;
}

const SIZES = [10, 1_000, 10_000] as const;
const PICKS = 200_000;
const KEYS = 1_000;
const ROUNDS = 5;

const equal = () => 1;
const unequal = (index: number) => 1 + (index % 7);

const SLOW_START = { windowMs: 1_000_000, aggression: 1, minShare: 0.1 };

const CONTENDERS: readonly Contender[] = [
  { name: 'round robin', policy: { kind: 'round-robin' }, weightOf: equal },
  { name: 'round robin, weighted', policy: { kind: 'round-robin' }, weightOf: unequal },
  { name: 'round robin, warming up', policy: { kind: 'round-robin', slowStart: SLOW_START }, weightOf: equal },
  { name: 'least request', policy: { kind: 'least-request', choices: 2 }, weightOf: equal },
  { name: 'least request, weighted', policy: { kind: 'least-request', choices: 2 }, weightOf: unequal },
  { name: 'random', policy: { kind: 'random' }, weightOf: equal },
  { name: 'ring hash', policy: { kind: 'ring-hash', minSize: 1024, maxSize: 8_388_608, by: 'address' }, weightOf: equal },
  { name: 'ring hash, weighted', policy: { kind: 'ring-hash', minSize: 1024, maxSize: 8_388_608, by: 'address' }, weightOf: unequal },
  { name: 'maglev', policy: { kind: 'maglev', tableSize: 65_537, by: 'address' }, weightOf: equal },
  { name: 'maglev, weighted', policy: { kind: 'maglev', tableSize: 65_537, by: 'address' }, weightOf: unequal },
];

const hostsOf = (count: number, { weightOf }: Contender): MutableCandidate[] =>
  Array.from({ length: count }, (_, index) => ({
    key: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}:8080`,
    weight: weightOf(index),
    activeRequests: 0,
    healthySinceMs: 0,
  }));

/** CPU of this process while `work` ran, in microseconds. */
const cpuOf = (work: () => void): number => {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
};

/** With the hash of a request's key, as a policy that hashes needs it. */
const pickNs = (contender: Contender, count: number): number => {
  const hosts = hostsOf(count, contender);
  const balancer = balancerFor(contender.policy, () => 1)(hosts, seededRandom(1));
  const keys = Array.from({ length: KEYS }, (_, key) => `user-${key}`);
  const hashes = contender.policy.kind === 'ring-hash' || contender.policy.kind === 'maglev';
  const run = (): void => {
    for (let i = 0; i < PICKS; i++) {
      const host = balancer.pick(hashes ? xxh64(keys[i % KEYS] as string) : undefined);
      if (host) host.activeRequests = (host.activeRequests + 1) & 3;
    }
  };
  run();
  return median(Array.from({ length: ROUNDS }, () => (cpuOf(run) * 1000) / PICKS));
};

const buildMs = (contender: Contender, count: number): number => {
  const hosts = hostsOf(count, contender);
  const build = balancerFor(contender.policy, () => 1);
  const run = (): void => void build(hosts, seededRandom(1));
  run();
  return median(Array.from({ length: ROUNDS }, () => cpuOf(run) / 1000));
};

const row = (name: string, cells: readonly string[]): string => `${name.padEnd(26)}${cells.map((cell) => cell.padStart(12)).join('')}`;

/** Prints a table of each. */
export const benchPicks = (print: (line: string) => void): void => {
  const heads = SIZES.map((count) => `${count} hosts`);
  const table = (title: string, cell: (contender: Contender, count: number) => string): void => {
    print(row(title, heads));
    for (const contender of CONTENDERS)
      print(
        row(
          contender.name,
          SIZES.map((count) => cell(contender, count)),
        ),
      );
    print('');
  };
  table('one pick, ns', (contender, count) => pickNs(contender, count).toFixed(0));
  table('one rebuild, ms', (contender, count) => buildMs(contender, count).toFixed(2));
};
