/** The card of the machine that goes with every figure: ratios travel between machines, microseconds do not. */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { pinned } from './placement.ts';

/** Jiffies of /proc/stat: user nice system idle iowait irq softirq steal. Linux only. */
const jiffies = (): { readonly all: number; readonly steal: number } => {
  const values = (readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? '').trim().split(/\s+/).slice(1, 9).map(Number);
  return { all: values.reduce((sum, value) => sum + value, 0), steal: values[7] ?? 0 };
};

/** Starts counting; the answer is the share of all CPU time that the host took away since. */
export const stealShare = (): (() => number) => {
  const before = jiffies();
  return () => {
    const after = jiffies();
    return (after.steal - before.steal) / Math.max(1, after.all - before.all);
  };
};

/** steal: share of 1. */
export const machineCard = (steal: number): string =>
  [
    `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'CPU'}, load ${loadavg()[0]?.toFixed(1)}, steal ${(steal * 100).toFixed(1)} %, Node ${process.version}`,
    pinned ? 'loopback; proxies on core 0, load and backend on core 1' : 'loopback; load, backend and proxies share their cores',
  ].join('; ');
