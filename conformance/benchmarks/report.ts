/** Measured blocks as a table for people: middles, paired ratios with their intervals, and what may not be concluded. */

import type { CostBlock } from './seats.ts';
import { type Estimate, median, pairedRatio, percentile } from './statistics.ts';
import type { HandshakeBlock, HandshakeKind } from './two-sidecars/handshakes.ts';

/** One subject after all its blocks. */
export interface SubjectResult {
  readonly name: string;
  /** Absent for the plain backend, which no proxy stood before. */
  readonly proxy?: {
    readonly readyMs: number;
    readonly restMegabytes: number;
    readonly loadedMegabytes: number;
    readonly cost: readonly CostBlock[];
  };
  /** From intended times, of all blocks together. */
  readonly latenciesMs: readonly number[];
  readonly latenessP99Ms: number;
  readonly failed: number;
}

/** A whole run. */
export interface BenchResult {
  readonly subjects: readonly SubjectResult[];
  /** Name of the second seat of our proxy. */
  readonly control: string;
  /** Name of the backend without a proxy. */
  readonly direct: string;
  /** Requests a second of the open loop. */
  readonly rate: number;
  readonly machine: string;
  readonly missing: readonly string[];
  /** By subject; empty where nobody speaks TLS. */
  readonly handshakes: Readonly<Record<string, Readonly<Record<HandshakeKind, readonly HandshakeBlock[]>>>>;
}

/** Fewer say nothing about one in a hundred. */
const P99_SAMPLES = 10_000;
const WIDTHS = [14, 9, 8, 9, 9, 9, 8, 8, 8, 7];
const HEADINGS = ['', 'µs CPU/rq', 'rq/s', 'ready ms', 'rest MB', 'load MB', 'p50 ms', '+p50 ms', 'p99 ms', 'failed'];

const line = (cells: readonly string[]): string =>
  cells.map((cell, column) => (column === 0 ? cell.padEnd(WIDTHS[0] ?? 0) : cell.padStart(WIDTHS[column] ?? 0))).join(' ');

const digits = (value: number | undefined, after: number): string =>
  value === undefined || Number.isNaN(value) ? '-' : value.toFixed(after);

const row = ({ name, proxy, latenciesMs, failed }: SubjectResult, directP50: number): string => {
  const p50 = median(latenciesMs);
  return line([
    name,
    digits(proxy && median(proxy.cost.map(({ cpuMicrosPerRequest }) => cpuMicrosPerRequest)), 1),
    digits(proxy && median(proxy.cost.map(({ requestsPerSecond }) => requestsPerSecond)), 0),
    digits(proxy?.readyMs, 0),
    digits(proxy?.restMegabytes, 1),
    digits(proxy?.loadedMegabytes, 1),
    digits(p50, 3),
    digits(proxy && p50 - directP50, 3),
    latenciesMs.length < P99_SAMPLES ? '-' : digits(percentile(latenciesMs, 0.99), 3),
    String(failed),
  ]);
};

const interval = ({ median: middle, low, high }: Estimate): string =>
  `${middle.toFixed(2)} (95 % of resamples: ${low.toFixed(2)} to ${high.toFixed(2)})`;

const overlap = (a: Estimate, b: Estimate): boolean => a.low <= b.high && b.low <= a.high;

const costRatio = (result: BenchResult, own: string, other: string): Estimate | undefined => {
  const of = (name: string) =>
    result.subjects.find((subject) => subject.name === name)?.proxy?.cost.map((block) => block.cpuMicrosPerRequest);
  const [mine, theirs] = [of(own), of(other)];
  return mine && theirs && pairedRatio(mine, theirs);
};

const comparisons = (result: BenchResult): readonly string[] => {
  const noise = costRatio(result, 'dinghy', result.control);
  if (noise === undefined) return [];
  const others = result.subjects.filter(({ name, proxy }) => proxy && name !== 'dinghy' && name !== result.control);
  return [
    `CPU per request, blocks paired. Control, dinghy / ${result.control}: ${interval(noise)}`,
    ...others.flatMap(({ name }) => {
      const ratio = costRatio(result, 'dinghy', name);
      if (ratio === undefined) return [];
      return `dinghy / ${name}: ${interval(ratio)}${overlap(ratio, noise) ? ': not distinguishable here' : ''}`;
    }),
  ];
};

const caveats = ({ subjects, rate, direct }: BenchResult): readonly string[] => {
  const [samples] = subjects.map(({ latenciesMs }) => latenciesMs.length);
  const bare = subjects.find(({ name }) => name === direct);
  const late = Math.max(...subjects.map(({ latenessP99Ms }) => latenessP99Ms));
  const added = Math.min(
    ...subjects.filter(({ proxy }) => proxy).map(({ latenciesMs }) => median(latenciesMs) - median(bare?.latenciesMs ?? [])),
  );
  return [
    `Latency: open loop at ${rate} requests/s, from the intended time, about ${samples} samples each; p99 only of ${P99_SAMPLES} or more.`,
    `The generator sent late by at most ${late.toFixed(3)} ms (p99)${late > added / 10 ? ': more than a tenth of what a proxy adds, so compare latencies with care' : ''}.`,
  ];
};

const handshakeLine = (name: string, kind: HandshakeKind, blocks: readonly HandshakeBlock[]): string => {
  const middle = (of: (block: HandshakeBlock) => number): number => median(blocks.map(of));
  const failed = blocks.reduce((sum, block) => sum + block.failed, 0);
  return [
    `${name}, ${kind} handshake with one request:`,
    `${middle((block) => block.cpuMicrosPerHandshake).toFixed(0)} µs CPU of the callee,`,
    `${middle((block) => block.handshakesPerSecond).toFixed(0)} a second,`,
    `${(middle((block) => block.resumed) * 100).toFixed(0)} % resumed, ${failed} failed`,
  ].join(' ');
};

const handshakeLines = ({ handshakes }: BenchResult): readonly string[] =>
  Object.entries(handshakes).flatMap(([name, kinds]) =>
    (['full', 'resumed'] as const).flatMap((kind) => (kinds[kind].length === 0 ? [] : handshakeLine(name, kind, kinds[kind]))),
  );

/** The whole report as text. */
export const formatReport = (result: BenchResult): string => {
  const directP50 = median(result.subjects.find(({ name }) => name === result.direct)?.latenciesMs ?? []);
  const sorted = result.subjects.toSorted((a, b) => a.name.localeCompare(b.name));
  return [
    line(HEADINGS),
    ...sorted.map((subject) => row(subject, directP50)),
    '',
    ...comparisons(result),
    ...handshakeLines(result),
    ...caveats(result),
    result.machine,
    ...result.missing,
  ].join('\n');
};
