/** Protobuf's ways to say a time or a share, as numbers. */
import type { Duration, FractionalPercent } from '#envoy';

/** Milliseconds; undefined stays undefined. */
export const durationMs = <D extends Duration | undefined>(duration: D): D extends Duration ? number : number | undefined =>
  (duration === undefined ? undefined : duration.seconds * 1000 + duration.nanos / 1e6) as D extends Duration ? number : number | undefined;

const DENOMINATORS: Readonly<Record<number, number>> = { 0: 100, 1: 10_000, 2: 1_000_000 };

/** 0…1; a percentage that is not there is `otherwise`. */
export const shareOf = (percent: FractionalPercent | undefined, otherwise: number): number =>
  percent === undefined ? otherwise : Math.min(1, percent.numerator / (DENOMINATORS[percent.denominator] ?? 100));
