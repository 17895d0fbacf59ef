/** What a learner has reached: a small record, readable from any source. */

/** One finished prediction or check. */
export interface StepProgress {
  /** Index of the option, or the number given. */
  readonly predicted?: number;
  /** What came out, where that can be counted. */
  readonly observed?: number;
  readonly right?: boolean;
  readonly sent?: boolean;
  readonly applied?: boolean;
  readonly checked?: boolean;
  readonly hints?: number;
}

/** `02-canary#ten` → what was reached. */
export type Progress = Readonly<Record<string, StepProgress>>;

const NUMBERS = ['predicted', 'observed', 'hints'] as const;
const FLAGS = ['right', 'sent', 'applied', 'checked'] as const;

const readStep = (value: unknown): StepProgress => {
  const step: Record<string, number | boolean> = {};
  if (typeof value !== 'object' || value === null) return step;
  const fields = new Map<string, unknown>(Object.entries(value));
  for (const name of NUMBERS) {
    const number = fields.get(name);
    if (typeof number === 'number' && Number.isFinite(number)) step[name] = number;
  }
  for (const name of FLAGS) {
    const flag = fields.get(name);
    if (typeof flag === 'boolean') step[name] = flag;
  }
  return step;
};

/** Keeps only what a progress record may hold, so that a shared or damaged one cannot do harm. At most 500 steps. */
export const readProgress = (value: unknown): Progress => {
  if (typeof value !== 'object' || value === null) return {};
  const entries = Object.entries(value).filter(([key]) => /^[\w-]{1,60}#[\w-]{1,60}$/.test(key));
  return Object.fromEntries(entries.slice(0, 500).map(([key, step]) => [key, readStep(step)]));
};
