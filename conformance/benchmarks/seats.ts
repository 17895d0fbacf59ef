/** One measured way while it runs: started once, kept through all blocks, so that its compiled code is warm and stays so. */
import type { ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import { type OpenLoopResult, openLoop } from './open-loop.ts';
import { cpuMicros, pssMegabytes } from './process-cost.ts';
import { saturate } from './saturation.ts';
import { isSteady } from './statistics.ts';
import { listening, type Place, type Subject } from './subjects.ts';

/** One block of saturation. */
export interface CostBlock {
  readonly cpuMicrosPerRequest: number;
  readonly requestsPerSecond: number;
  readonly errors: number;
}

/** A proxy in place, and what it cost before its first request. */
export interface Seat {
  readonly name: string;
  readonly place: Place;
  readonly children: readonly ChildProcess[];
  /** From the start of the process until it accepts connections. */
  readonly readyMs: number;
  readonly restMegabytes: number;
  /** Loads of one second until the cost stops falling, `most` at most. */
  warm(most: number): Promise<{ readonly loads: number; readonly steady: boolean }>;
  cost(seconds: number): Promise<CostBlock>;
  latency(rate: number, seconds: number): Promise<OpenLoopResult>;
  pssMegabytes(): number;
  close(): void;
}

const WARM_SECONDS = 1;
const STEADY_SPREAD = 0.05;
const SETTLE_MS = 1_000;

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const seatOf = (name: string, children: readonly ChildProcess[], place: Place, readyMs: number): Seat => {
  const port = place.listen;
  const pids = children.map(({ pid }) => pid ?? 0);
  const spent = (): number => sum(pids.map(cpuMicros));
  const megabytes = (): number => sum(pids.map(pssMegabytes));
  const cost = async (seconds: number): Promise<CostBlock> => {
    const before = spent();
    const { requests, errors, seconds: took } = await saturate(port, seconds);
    return { cpuMicrosPerRequest: (spent() - before) / requests, requestsPerSecond: requests / took, errors };
  };
  return {
    name,
    place,
    children,
    readyMs,
    restMegabytes: megabytes(),
    cost,
    warm: async (most) => {
      const costs: number[] = [];
      while (costs.length < most && !isSteady(costs, STEADY_SPREAD)) costs.push((await cost(WARM_SECONDS)).cpuMicrosPerRequest);
      return { loads: costs.length, steady: isSteady(costs, STEADY_SPREAD) };
    },
    latency: (rate, seconds) => openLoop(port, rate, seconds),
    pssMegabytes: megabytes,
    close: () => stop(children),
  };
};

const stop = (children: readonly ChildProcess[]): void => {
  for (const child of children) child.kill('SIGKILL');
};

/** Starts a subject in front of that port. Rejects when it does not come to listen. */
export const takeSeat = async (subject: Subject, upstream: number, folder: string): Promise<Seat> => {
  const listen = await freePort();
  const place = { listen, admin: await freePort(), upstream, spare: [await freePort(), await freePort()] as const, folder };
  const startedAt = performance.now();
  const children = subject.start(place);
  try {
    for (const child of children) await listening(child, listen);
    const readyMs = performance.now() - startedAt;
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    return seatOf(subject.name, children, place, readyMs);
  } catch (error) {
    stop(children);
    throw error;
  }
};
