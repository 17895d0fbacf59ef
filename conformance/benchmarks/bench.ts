/**
 * `npm run bench`: what one proxied request costs, ours and others on the same work, in one run of shuffled blocks. `--quick` takes about two
 * minutes. A second seat of our own proxy is the control: what it differs from the first is what this machine cannot tell apart.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machineCard, stealShare } from './machine.ts';
import { type OpenLoopResult, openLoop } from './open-loop.ts';
import { LOAD_CORE, onCore } from './placement.ts';
import { withPolicies } from './policies.ts';
import { type BenchResult, formatReport, type SubjectResult } from './report.ts';
import { type CostBlock, type Seat, takeSeat } from './seats.ts';
import { type Subject, subjects } from './subjects.ts';
import { type HandshakeBlock, type HandshakeKind, handshakes } from './two-sidecars/handshakes.ts';
import { calleePort, callerFiles, pairs } from './two-sidecars/pairs.ts';

type Way = 'one sidecar' | 'two sidecars' | 'policies';

const FILES: Readonly<Record<Way, string>> = {
  'one sidecar': 'bench.json',
  'two sidecars': 'bench-mtls.json',
  policies: 'bench-policies.json',
};

/** How long and how often. */
export interface BenchOptions {
  readonly quick: boolean;
  /** One sidecar in plain text; a call through two with mutual TLS between them; or one whose route has every traffic policy on it. */
  readonly way: Way;
  /** Path of Envoy's binary; undefined when it was not fetched. */
  readonly envoy: string | undefined;
  readonly print: (line: string) => void;
}

interface Plan {
  readonly warmLoads: number;
  readonly blocks: number;
  readonly blockSeconds: number;
  readonly latencyBlocks: number;
  readonly latencySeconds: number;
}

const FULL: Plan = { warmLoads: 12, blocks: 12, blockSeconds: 2, latencyBlocks: 5, latencySeconds: 4 };
const QUICK: Plan = { warmLoads: 6, blocks: 4, blockSeconds: 1, latencyBlocks: 2, latencySeconds: 2 };
const RATE = 500;
const CONTROL = 'dinghy again';
const DIRECT = 'no proxy';
const RESULT_FOLDER = join(import.meta.dirname, '../../.cache/reports');

const startBackend = (): Promise<{ readonly port: number; readonly child: ChildProcess }> =>
  new Promise((resolve, reject) => {
    const child = spawn(...onCore(LOAD_CORE, process.execPath, [join(import.meta.dirname, 'backend.ts')]), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`the backend ended with code ${code}`)));
    child.stdout.once('data', (bytes: Buffer) => resolve({ port: Number(bytes.toString()), child }));
  });

const shuffled = <T>(list: readonly T[]): T[] =>
  list
    .map((value) => ({ value, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ value }) => value);

const push = <K, V>(lists: Map<K, V[]>, key: K, value: V): void => void lists.set(key, [...(lists.get(key) ?? []), value]);

const costBlocks = async (seats: readonly Seat[], plan: Plan, print: BenchOptions['print']): Promise<Map<string, CostBlock[]>> => {
  const blocks = new Map<string, CostBlock[]>();
  for (let block = 1; block <= plan.blocks; block++) {
    for (const seat of shuffled(seats)) push(blocks, seat.name, await seat.cost(plan.blockSeconds));
    print(`cost: block ${block} of ${plan.blocks}`);
  }
  return blocks;
};

const latencyBlocks = async (seats: readonly Seat[], backend: number, plan: Plan): Promise<Map<string, OpenLoopResult[]>> => {
  const blocks = new Map<string, OpenLoopResult[]>();
  const runners = [
    ...seats.map(({ name, latency }) => ({ name, run: () => latency(RATE, plan.latencySeconds) })),
    { name: DIRECT, run: () => openLoop(backend, RATE, plan.latencySeconds) },
  ];
  for (let block = 1; block <= plan.latencyBlocks; block++) {
    for (const { name, run } of shuffled(runners)) push(blocks, name, await run());
  }
  return blocks;
};

const measure = async (seats: readonly Seat[], backend: number, plan: Plan, print: BenchOptions['print']) => {
  for (const seat of seats) {
    const { loads, steady } = await seat.warm(plan.warmLoads);
    print(`warm-up: ${seat.name} ${steady ? 'steady' : 'not yet steady'} after ${loads} s of load`);
  }
  const cost = await costBlocks(seats, plan, print);
  const loaded = new Map(seats.map((seat) => [seat.name, seat.pssMegabytes()]));
  print(`latency: ${plan.latencyBlocks} blocks at ${RATE} requests/s`);
  const latency = await latencyBlocks(seats, backend, plan);
  return { cost, loaded, latency };
};

/** How often a session is resumed, and what each kind costs; only pairs have a callee to ask. */
const handshakeBlocks = async (
  seats: readonly Seat[],
  folder: string,
  plan: Plan,
): Promise<Map<string, Record<HandshakeKind, HandshakeBlock[]>>> => {
  const blocks = new Map(seats.map(({ name }) => [name, { full: [], resumed: [] } as Record<HandshakeKind, HandshakeBlock[]>]));
  for (let block = 1; block <= plan.latencyBlocks; block++)
    for (const { name, place, children } of shuffled(seats))
      for (const kind of ['full', 'resumed'] as const) {
        const [, callee] = children;
        if (callee === undefined) continue;
        const measured = await handshakes(callee, calleePort(place), callerFiles(folder), { seconds: plan.blockSeconds, kind });
        blocks.get(name)?.[kind].push(measured);
      }
  return blocks;
};

const results = (seats: readonly Seat[], measured: Awaited<ReturnType<typeof measure>>): readonly SubjectResult[] => {
  const latencyOf = (name: string): Pick<SubjectResult, 'latenciesMs' | 'latenessP99Ms' | 'failed'> => {
    const blocks = measured.latency.get(name) ?? [];
    return {
      latenciesMs: blocks.flatMap(({ latenciesMs }) => latenciesMs),
      latenessP99Ms: Math.max(...blocks.map(({ latenessP99Ms }) => latenessP99Ms)),
      failed: blocks.reduce((sum, { failed }) => sum + failed, 0),
    };
  };
  const proxied = seats.map(({ name, readyMs, restMegabytes }): SubjectResult => {
    const cost = measured.cost.get(name) ?? [];
    const latency = latencyOf(name);
    return {
      name,
      ...latency,
      failed: cost.reduce((sum, { errors }) => sum + errors, latency.failed),
      proxy: { readyMs, restMegabytes, loadedMegabytes: measured.loaded.get(name) ?? Number.NaN, cost },
    };
  });
  return [...proxied, { name: DIRECT, ...latencyOf(DIRECT) }];
};

const keep = (result: BenchResult, way: BenchOptions['way']): void => {
  mkdirSync(RESULT_FOLDER, { recursive: true });
  writeFileSync(join(RESULT_FOLDER, FILES[way]), `${JSON.stringify(result)}\n`);
};

/** Our own proxy takes two seats, the second under the control's name. */
const cast = (all: readonly Subject[]): readonly Subject[] => {
  const present = all.filter(({ missing }) => missing === undefined);
  return present.flatMap((subject) => (subject.name === 'dinghy' ? [subject, { ...subject, name: CONTROL }] : [subject]));
};

const castOf = async (way: Way, envoy: string | undefined, folder: string): Promise<readonly Subject[]> => {
  if (way === 'two sidecars') return await pairs(envoy, folder);
  return way === 'policies' ? withPolicies(envoy) : subjects(envoy);
};

/** Runs, prints the table, and leaves every block's figures in .cache/reports/bench.json. */
export const bench = async ({ quick, way, envoy, print }: BenchOptions): Promise<BenchResult> => {
  const plan = quick ? QUICK : FULL;
  const folder = mkdtempSync(join(tmpdir(), 'dinghy-bench-'));
  const all = await castOf(way, envoy, folder);
  const backend = await startBackend();
  const seats: Seat[] = [];
  const steal = stealShare();
  try {
    for (const subject of shuffled(cast(all))) seats.push(await takeSeat(subject, backend.port, mkdtempSync(join(folder, 'seat-'))));
    const measured = await measure(seats, backend.port, plan, print);
    const opened = way === 'two sidecars' ? await handshakeBlocks(seats, folder, plan) : new Map();
    const result: BenchResult = {
      subjects: results(seats, measured),
      control: CONTROL,
      direct: DIRECT,
      rate: RATE,
      machine: machineCard(steal()),
      missing: all.flatMap(({ missing }) => missing ?? []),
      handshakes: Object.fromEntries(opened),
    };
    keep(result, way);
    print(formatReport(result));
    return result;
  } finally {
    for (const seat of seats) seat.close();
    backend.child.removeAllListeners('exit').kill();
    rmSync(folder, { recursive: true, force: true });
  }
};
