/** Measured rounds as a table for people: medians, the ratio to Envoy with its interval, and what was not controlled. */

/** One subject in one round. */
export interface Round {
  readonly subject: string;
  readonly cpuMicrosPerRequest: number;
  readonly requestsPerSecond: number;
  readonly pssMegabytes: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
}

/** Middle value; 0 of none. */
export const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** Ratio of medians, and the range of the paired ratios of all rounds (honest for few rounds, where a bootstrap is not). */
export const ratio = (own: readonly number[], other: readonly number[]): { median: number; low: number; high: number } => {
  const paired = own.flatMap((value, index) => {
    const against = other[index];
    return against === undefined || against === 0 ? [] : [value / against];
  });
  return { median: median(paired), low: Math.min(...paired), high: Math.max(...paired) };
};

const fixed = (value: number, digits: number, width: number): string => value.toFixed(digits).padStart(width);

const row = (subject: string, rounds: readonly Round[]): string => {
  const of = (key: Exclude<keyof Round, 'subject'>): number => median(rounds.map((round) => round[key]));
  return [
    subject.padEnd(14),
    fixed(of('cpuMicrosPerRequest'), 1, 9),
    fixed(of('requestsPerSecond'), 0, 10),
    fixed(of('pssMegabytes'), 1, 9),
    fixed(of('p50Ms'), 2, 8),
    fixed(of('p99Ms'), 2, 8),
    fixed(
      rounds.reduce((sum, { failed }) => sum + failed, 0),
      0,
      7,
    ),
  ].join(' ');
};

const against = (rounds: readonly Round[], own: string, other: string): string => {
  const cpu = (subject: string) => rounds.filter((round) => round.subject === subject).map((round) => round.cpuMicrosPerRequest);
  const { median: middle, low, high } = ratio(cpu(own), cpu(other));
  return `CPU per request, ${own} / ${other}: ${middle.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)} over the rounds)`;
};

/** control: name of the second seat of one subject, whose ratio to it would be 1 on a quiet machine. */
export const formatReport = (rounds: readonly Round[], notes: readonly string[], control: string): string => {
  const names = [...new Set(rounds.map(({ subject }) => subject))];
  const lines = [
    `${'subject'.padEnd(14)} ${'µs CPU/rq'.padStart(9)} ${'rq/s'.padStart(10)} ${'PSS MB'.padStart(9)} ${'p50 ms'.padStart(8)} ${'p99 ms'.padStart(8)} ${'failed'.padStart(7)}`,
    ...names.map((name) =>
      row(
        name,
        rounds.filter(({ subject }) => subject === name),
      ),
    ),
    '',
    against(rounds, 'dinghy', control),
    ...(names.includes('envoy') ? [against(rounds, 'dinghy', 'envoy')] : []),
    ...notes,
  ];
  return lines.join('\n');
};
