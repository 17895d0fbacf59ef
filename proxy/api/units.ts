/** Protobuf's ways to say a time or a share, as numbers. */
import type { Duration, FractionalPercent } from '#envoy';

/** Milliseconds; undefined stays undefined. */
export function durationMs(duration: Duration): number;
export function durationMs(duration: Duration | undefined): number | undefined;
export function durationMs(duration: Duration | undefined): number | undefined {
  return duration === undefined ? undefined : duration.seconds * 1000 + duration.nanos / 1e6;
}

const DENOMINATORS: Readonly<Record<number, number>> = { 0: 100, 1: 10_000, 2: 1_000_000 };

/** 0…1; a percentage that is not there is `otherwise`. */
export const shareOf = (percent: FractionalPercent | undefined, otherwise: number): number =>
  percent === undefined ? otherwise : Math.min(1, percent.numerator / (DENOMINATORS[percent.denominator] ?? 100));
