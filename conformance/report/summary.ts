/** Verdicts as lines for people: failures in full, skips with their reasons, the sum last. */
import { cellName, type Verdict } from '../verify.ts';

/** How many ended how. */
export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Counts verdicts. */
export const totalsOf = (verdicts: readonly Verdict[]): Totals => {
  const count = (outcome: Verdict['outcome']): number => verdicts.filter((verdict) => verdict.outcome === outcome).length;
  return { passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
};

/** The last line of every run. */
export const formatTotals = ({ passed, failed, skipped }: Totals): string => `${passed} passed, ${failed} failed, ${skipped} skipped`;

/** One verdict as it ends. */
export const formatVerdict = (verdict: Verdict): string => {
  if (verdict.outcome === 'failed') return verdict.text;
  const cell = cellName(verdict.cell);
  if (verdict.outcome === 'skipped') return `skip ${verdict.id} (${cell}): ${verdict.text}`;
  return `pass ${verdict.id} (${cell}, ${verdict.durationMs} ms) ${verdict.claim}`;
};

/** One line a reason, with how many cases it kept from running and, where they are few, which. */
export const formatSkips = (verdicts: readonly Verdict[]): string[] => {
  const skipped = verdicts.filter(({ outcome }) => outcome === 'skipped');
  return [...Map.groupBy(skipped, ({ text }) => text)].map(([reason, own]) => {
    const which = own.length <= 20 ? own.map(({ id }) => id).join(', ') : `${own.length} cases`;
    return `skipped ${which}: ${reason}`;
  });
};
