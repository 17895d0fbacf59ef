/** A host that is new gets little at first and more as it warms up. Source: Envoy "Slow start mode". */
import type { Candidate } from './balancer.ts';

/** windowMs: above 0. minShare: 0…1, what a host has at least. */
export interface SlowStart {
  readonly windowMs: number;
  /** 1 = its share grows in proportion to time; above, faster at first. */
  readonly aggression: number;
  readonly minShare: number;
}

/** Monotonic milliseconds. */
export type NowMs = () => number;

/** What of its weight a host has now, above 0 and at most 1. */
export const warmth = ({ healthySinceMs }: Candidate, { windowMs, aggression, minShare }: SlowStart, nowMs: number): number => {
  if (healthySinceMs === undefined) return 1;
  const passedMs = nowMs - healthySinceMs;
  if (passedMs >= windowMs) return 1;
  return Math.max((Math.max(1, passedMs) / windowMs) ** (1 / aggression), minShare);
};

/** Whether any of them is still new. */
export const anyWarmsUp = (hosts: readonly Candidate[], { windowMs }: SlowStart, nowMs: number): boolean =>
  hosts.some(({ healthySinceMs }) => healthySinceMs !== undefined && nowMs - healthySinceMs <= windowMs);
