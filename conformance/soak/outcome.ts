/** What a soak tells. */
import type { Call } from './load.ts';

/** How a soak runs. */
export interface SoakOptions {
  readonly print: (line: string) => void;
  /** 1 is the whole of it, less for a look. */
  readonly scale: number;
  /** Calls a second. */
  readonly rate: number;
  /** Only flips can be seen in a simulated mesh; the others are about processes. */
  readonly driver: 'process' | 'simulation';
}

/** Figures to read, and what should not have been; none when all is well. */
export interface Outcome {
  readonly figures: Readonly<Record<string, number | string>>;
  readonly faults: readonly string[];
}

const MOST = 5;

/** Kinds of failed calls, the first ones, and how many there are of each. */
export const asText = (failed: readonly Call[]): readonly string[] => {
  const kinds = Map.groupBy(failed, ({ way, status, reason }) => `${way}: ${status === 0 ? 'no answer' : status}, ${reason}`);
  return [...kinds].slice(0, MOST).map(([kind, calls]) => {
    const at = new Date(performance.timeOrigin + (calls[0]?.beganMs ?? 0)).toISOString();
    return `${calls.length} failed (${kind}), first at ${at} from ${calls[0]?.caller}`;
  });
};
