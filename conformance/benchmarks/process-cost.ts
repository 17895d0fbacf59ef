/** What a process has cost so far, as the kernel counts it. Linux only. */
import { readFileSync } from 'node:fs';

const TICK_US = 10_000;

/** User and system time in microseconds, all threads; the kernel counts in ticks of 10 ms. */
export const cpuMicros = (pid: number): number => {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
};

/** Proportional set size in megabytes: shared pages count for their share. */
export const pssMegabytes = (pid: number): number => {
  const kilobytes = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
};
