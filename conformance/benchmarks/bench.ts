/** `npm run bench`: what one proxied request costs, ours and others on the same work, in one shuffled run. `--quick` takes about a minute. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLoop, percentile } from './open-loop.ts';
import { cpuMicros, pssMegabytes } from './process-cost.ts';
import { formatReport, type Round } from './report.ts';
import { saturate } from './saturation.ts';
import { listening, type Seat, type Subject, subjects } from './subjects.ts';

/** How long and how often. */
export interface BenchOptions {
  readonly quick: boolean;
  /** Path of Envoy's binary; undefined when it was not fetched. */
  readonly envoy: string | undefined;
  readonly print: (line: string) => void;
}

const CONTROL = 'dinghy again';
const OPEN_LOOP_RATE = 500;
const MIN_P99_SAMPLES = 1_000;

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });

const backend = (): Promise<{ port: number; close: () => void }> =>
  new Promise((resolve) => {
    const server = createServer((_, response) => response.setHeader('content-length', 5).end('hello')).listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve({ port: typeof address === 'object' && address ? address.port : 0, close: () => server.close() });
    });
  });

const measure = async (subject: Subject, upstream: number, folder: string, seconds: number): Promise<Round> => {
  const seat: Seat = { listen: await freePort(), admin: await freePort(), upstream, folder: mkdtempSync(join(folder, 'seat-')) };
  const child = subject.start(seat);
  try {
    await listening(child, seat.listen);
    const pid = child.pid ?? 0;
    await saturate(seat.listen, 1);
    const before = cpuMicros(pid);
    const { requests, errors, seconds: took } = await saturate(seat.listen, seconds);
    const cpuMicrosPerRequest = (cpuMicros(pid) - before) / requests;
    const loop = await openLoop(seat.listen, OPEN_LOOP_RATE, seconds);
    return {
      subject: subject.name,
      cpuMicrosPerRequest,
      requestsPerSecond: requests / took,
      pssMegabytes: pssMegabytes(pid),
      p50Ms: percentile(loop.latenciesMs, 0.5),
      p99Ms: loop.latenciesMs.length < MIN_P99_SAMPLES ? Number.NaN : percentile(loop.latenciesMs, 0.99),
      failed: errors + loop.failed,
    };
  } finally {
    child.kill('SIGKILL');
  }
};

const shuffled = <T>(list: readonly T[]): T[] =>
  list
    .map((value) => ({ value, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ value }) => value);

const machine = (): string =>
  `${availableParallelism()} × ${cpus()[0]?.model ?? 'CPU'}, load ${loadavg()[0]?.toFixed(1)}, Node ${process.version}; loopback, generator and program on the same cores`;

/** Runs, prints the table, and gives the rounds. */
export const bench = async ({ quick, envoy, print }: BenchOptions): Promise<readonly Round[]> => {
  const folder = mkdtempSync(join(tmpdir(), 'dinghy-bench-'));
  const all = subjects(envoy);
  const present = all.filter(({ missing }) => missing === undefined);
  const [ours] = present;
  const seats = ours === undefined ? present : [...present, { ...ours, name: CONTROL }];
  const app = await backend();
  const rounds: Round[] = [];
  try {
    for (let number = 1; number <= (quick ? 2 : 5); number++) {
      for (const subject of shuffled(seats)) {
        rounds.push(await measure(subject, app.port, folder, quick ? 3 : 8));
        print(`round ${number}: ${subject.name} measured`);
      }
    }
  } finally {
    app.close();
    rmSync(folder, { recursive: true, force: true });
  }
  const notes = [`Latency at ${OPEN_LOOP_RATE} requests/s, open loop, from the intended time. ${machine()}`];
  print(formatReport(rounds, [...notes, ...all.flatMap(({ missing }) => missing ?? [])], CONTROL));
  return rounds;
};
