/**
 * Earliest deadline first: each entry has a deadline that grows by 1/weight; the earliest is next. So entries come up in proportion to weight and
 * interleave smoothly (2:1 is `a b a`, never a block), and a weight may change from pick to pick. A pick costs O(log n).
 * Source: Envoy, `EdfScheduler`.
 */
import type { Random } from '#system/random.ts';
import type { Candidate } from './balancer.ts';

/** True when no host is preferred, so that there is nothing to schedule. */
export const equalWeights = (hosts: readonly Candidate[]): boolean => hosts.every((host) => host.weight === hosts[0]?.weight);

/** How many picks a schedule may be ahead when it begins. */
const MOST_PICKS_AHEAD = 1 << 20;

interface Schedule {
  /** Indices of entries as a binary heap. */
  readonly heap: Uint32Array;
  readonly deadlines: Float64Array;
  /** Of two equal deadlines the one that was set first is first. */
  readonly order: Float64Array;
}

const isBefore = ({ deadlines, order }: Schedule, a: number, b: number): boolean => {
  const difference = (deadlines[a] as number) - (deadlines[b] as number);
  return difference < 0 || (difference === 0 && (order[a] as number) < (order[b] as number));
};

/** Moves the entry at that place of the heap down to where it belongs. */
const sink = (schedule: Schedule, from: number): void => {
  const { heap } = schedule;
  const moved = heap[from] as number;
  let place = from;
  for (let child = 2 * place + 1; child < heap.length; child = 2 * place + 1) {
    if (child + 1 < heap.length && isBefore(schedule, heap[child + 1] as number, heap[child] as number)) child++;
    const lesser = heap[child] as number;
    if (!isBefore(schedule, lesser, moved)) break;
    heap[place] = lesser;
    place = child;
  }
  heap[place] = moved;
};

/**
 * The next entry at each call; undefined when there is none. weightOf: above 0, asked again whenever an entry was picked.
 * The beginning is somewhere in the sequence, so that many proxies do not all begin with the same entry.
 */
export const byDeadline = <E>(entries: readonly E[], weightOf: (entry: E) => number, random: Random): (() => E | undefined) => {
  if (entries.length === 0) return () => undefined;
  const weights = entries.map(weightOf);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const ahead = random.below(MOST_PICKS_AHEAD);
  const turns = weights.map((weight) => Math.floor((weight / total) * ahead));
  const schedule: Schedule = {
    heap: Uint32Array.from(entries.keys()),
    deadlines: Float64Array.from(weights, (weight, index) => ((turns[index] as number) + 1) / weight),
    order: Float64Array.from(entries.keys()),
  };
  const { heap, deadlines, order } = schedule;
  for (let place = (heap.length >> 1) - 1; place >= 0; place--) sink(schedule, place);
  let set = entries.length;
  const next = (): E => {
    const first = heap[0] as number;
    const entry = entries[first] as E;
    deadlines[first] = (deadlines[first] as number) + 1 / weightOf(entry);
    order[first] = set++;
    sink(schedule, 0);
    return entry;
  };
  for (let left = ahead - turns.reduce((sum, turn) => sum + turn, 0); left > 0; left--) next();
  return next;
};
