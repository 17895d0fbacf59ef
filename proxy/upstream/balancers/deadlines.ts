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

/** A binary heap: what belongs together stands at the same place of each list. */
interface Schedule {
  readonly deadlines: Float64Array;
  /** Of two equal deadlines the one that was set first is first. */
  readonly order: Float64Array;
  /** Indices of entries. */
  readonly entries: Uint32Array;
}

/** Moves what stands at that place down to where it belongs. */
const sink = ({ deadlines, order, entries }: Schedule, from: number): void => {
  const { length } = deadlines;
  const deadline = deadlines[from] as number;
  const set = order[from] as number;
  const entry = entries[from] as number;
  let place = from;
  for (let child = 2 * place + 1; child < length; child = 2 * place + 1) {
    let earliest = deadlines[child] as number;
    if (child + 1 < length) {
      const other = deadlines[child + 1] as number;
      if (other < earliest || (other === earliest && (order[child + 1] as number) < (order[child] as number))) {
        child++;
        earliest = other;
      }
    }
    if (earliest > deadline || (earliest === deadline && (order[child] as number) > set)) break;
    deadlines[place] = earliest;
    order[place] = order[child] as number;
    entries[place] = entries[child] as number;
    place = child;
  }
  deadlines[place] = deadline;
  order[place] = set;
  entries[place] = entry;
};

/**
 * The next entry at each call; undefined when there is none. weightOf: above 0, asked again whenever an entry was picked.
 * The beginning is somewhere in the sequence, so that many proxies do not all begin with the same entry.
 */
export const byDeadline = <E>(scheduled: readonly E[], weightOf: (entry: E) => number, random: Random): (() => E | undefined) => {
  if (scheduled.length === 0) return () => undefined;
  const weights = scheduled.map(weightOf);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const ahead = random.below(MOST_PICKS_AHEAD);
  const turns = weights.map((weight) => Math.floor((weight / total) * ahead));
  const schedule: Schedule = {
    deadlines: Float64Array.from(weights, (weight, index) => ((turns[index] as number) + 1) / weight),
    order: Float64Array.from(scheduled.keys()),
    entries: Uint32Array.from(scheduled.keys()),
  };
  for (let place = (scheduled.length >> 1) - 1; place >= 0; place--) sink(schedule, place);
  const { deadlines, order, entries } = schedule;
  let set = scheduled.length;
  const next = (): E => {
    const entry = scheduled[entries[0] as number] as E;
    deadlines[0] = (deadlines[0] as number) + 1 / weightOf(entry);
    order[0] = set++;
    sink(schedule, 0);
    return entry;
  };
  for (let left = ahead - turns.reduce((sum, turn) => sum + turn, 0); left > 0; left--) next();
  return next;
};
