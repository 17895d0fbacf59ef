/** Verdicts as a report in the spirit of the Gateway API's: what ran on what, what failed by name, what was skipped and why. */
import { stringify } from 'yaml';
import { cellName, type Verdict } from '../verify.ts';
import { totalsOf } from './summary.ts';

/** What was judged. */
export interface ReportHead {
  readonly implementation: string;
  readonly version: string;
  readonly node: string;
  readonly date: string;
}

const profileReport = (verdicts: readonly Verdict[]) => ({
  ...totalsOf(verdicts),
  failures: verdicts.filter((one) => one.outcome === 'failed').map((one) => one.id),
  skips: verdicts.filter((one) => one.outcome === 'skipped').map((one) => ({ id: one.id, reason: one.text })),
});

/** One document; cells and profiles apart. */
export const yamlReport = (head: ReportHead, verdicts: readonly Verdict[]): string => {
  const cells = Object.entries(Object.groupBy(verdicts, ({ cell }) => cellName(cell))).map(([cell, own = []]) => ({
    cell,
    core: profileReport(own.filter((one) => one.profile === 'core')),
    extended: profileReport(own.filter((one) => one.profile === 'extended')),
  }));
  const reproduce = 'npx dinghy conformance [--id ID] [--driver process|simulation] [--data-plane dinghy|envoy]';
  return stringify({ kind: 'ConformanceReport', ...head, reproduce, cells });
};
