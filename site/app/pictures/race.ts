/** Balancing algorithms on one tape of arrivals: the proxy's own files pick, a small queue per host does the rest. Pure, and the same on every run. */
import type { Candidate } from '#balancers/balancer.ts';
import { type BalancerPolicy, balancerFor } from '#balancers/policies.ts';
import { seededRandom } from '#system/random.ts';
import { xxh64 } from '#system/xxh64.ts';

/** One request of the tape. */
export interface Arrival {
  readonly atMs: number;
  /** Who asks: what the hash is made of. */
  readonly user: string;
}

/** A host of the race: it answers one request after another. */
export interface Racer {
  readonly name: string;
  readonly serviceMs: number;
}

/** What became of one request. */
export interface Run {
  readonly host: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** One algorithm on the tape. */
export interface Lane {
  readonly name: string;
  readonly runs: readonly Run[];
  /** Requests at a host, waiting ones included, at that moment. */
  queueAt(host: number, ms: number): number;
  readonly medianMs: number;
  readonly worstMs: number;
  readonly longestQueue: number;
  /** Of users: how many were always sent to one host. */
  readonly faithful: number;
}

/** The algorithms, as a DestinationRule names them. */
export const POLICIES: readonly (readonly [string, BalancerPolicy])[] = [
  ['ROUND_ROBIN', { kind: 'round-robin' }],
  ['LEAST_REQUEST', { kind: 'least-request', choices: 2 }],
  ['RANDOM', { kind: 'random' }],
  ['consistentHash', { kind: 'ring-hash', minSize: 1_024, maxSize: 8_388_608, by: 'address' }],
];

/** Four hosts; the last one takes four times as long. */
export const RACERS: readonly Racer[] = [
  { name: 'A', serviceMs: 30 },
  { name: 'B', serviceMs: 30 },
  { name: 'C', serviceMs: 30 },
  { name: 'D', serviceMs: 120 },
];

const SEED = 7;
const GAP_MS = 13;
const USERS = 24;

/** count arrivals, at random distances of 13 ms on average, from 24 users. */
export const tapeOf = (count: number): readonly Arrival[] => {
  const random = seededRandom(SEED);
  let atMs = 0;
  return Array.from({ length: count }, () => {
    atMs += -Math.log(1 - random.float()) * GAP_MS;
    return { atMs, user: `user-${random.below(USERS)}` };
  });
};

interface Host extends Candidate {
  readonly index: number;
  activeRequests: number;
  freeAtMs: number;
}

const hostsOf = (racers: readonly Racer[]): Host[] =>
  racers.map((_, index) => ({ key: `10.0.0.${index + 1}:9080`, weight: 1, index, activeRequests: 0, freeAtMs: 0 }));

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

const play = (policy: BalancerPolicy, tape: readonly Arrival[], racers: readonly Racer[]): readonly Run[] => {
  const hosts = hostsOf(racers);
  const balancer = balancerFor(policy)(hosts, seededRandom(SEED));
  const running: Run[] = [];
  return tape.flatMap(({ atMs, user }) => {
    for (let i = running.length - 1; i >= 0; i--) {
      const run = running[i] as Run;
      if (run.toMs > atMs) continue;
      (hosts[run.host] as Host).activeRequests--;
      running.splice(i, 1);
    }
    const host = balancer.pick(xxh64(user));
    if (host === undefined) return [];
    host.freeAtMs = Math.max(atMs, host.freeAtMs) + (racers[host.index]?.serviceMs ?? 0);
    host.activeRequests++;
    const run = { host: host.index, fromMs: atMs, toMs: host.freeAtMs };
    running.push(run);
    return [run];
  });
};

const laneOf = (name: string, runs: readonly Run[], tape: readonly Arrival[]): Lane => {
  const queueAt = (host: number, ms: number): number => runs.filter((run) => run.host === host && run.fromMs <= ms && run.toMs > ms).length;
  const times = runs.map(({ fromMs, toMs }) => toMs - fromMs).toSorted((a, b) => a - b);
  const homes = Map.groupBy(runs, (_, index) => tape[index]?.user);
  return {
    name,
    runs,
    queueAt,
    medianMs: quantile(times, 0.5),
    worstMs: quantile(times, 0.99),
    longestQueue: Math.max(0, ...runs.map(({ host, fromMs }) => queueAt(host, fromMs))),
    faithful: [...homes.values()].filter((list) => new Set(list.map(({ host }) => host)).size === 1).length,
  };
};

/** Every algorithm on the same tape. */
export const raceOf = (tape: readonly Arrival[], racers: readonly Racer[] = RACERS): readonly Lane[] =>
  POLICIES.map(([name, policy]) => laneOf(name, play(policy, tape, racers), tape));

/** Users by the host that the ring gives them, before and after the last host has left. */
export interface Leaving {
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly moved: number;
  /** Of those who moved, how many had been with the host that left. */
  readonly movedFromLeaver: number;
}

/** users: how many to look at. */
export const leavingOf = (users: number, racers: readonly Racer[] = RACERS): Leaving => {
  const policy = POLICIES.find(([, { kind }]) => kind === 'ring-hash')?.[1] ?? { kind: 'random' };
  const hosts = hostsOf(racers);
  const build = balancerFor(policy);
  const [whole, less] = [build(hosts, seededRandom(SEED)), build(hosts.slice(0, -1), seededRandom(SEED))];
  const homes = Array.from({ length: users }, (_, index) => {
    const hash = xxh64(`user-${index}`);
    return [whole.pick(hash)?.index ?? -1, less.pick(hash)?.index ?? -1] as const;
  });
  const count = (side: 0 | 1) => racers.map((_, index) => homes.filter((home) => home[side] === index).length);
  const moved = homes.filter(([from, to]) => from !== to);
  return {
    before: count(0),
    after: count(1),
    moved: moved.length,
    movedFromLeaver: moved.filter(([from]) => from === racers.length - 1).length,
  };
};
