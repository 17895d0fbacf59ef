/**
 * Requests at intended times, whether or not earlier answers have come: latency counts from when a request SHOULD have left, so a stall counts
 * against whoever caused it. One keep-alive connection holds one request; when none is free a new one is opened.
 */
import { connect, type Socket } from 'node:net';
import { percentile } from './statistics.ts';

/** Milliseconds with fractions, in the order of completion. */
export interface OpenLoopResult {
  readonly latenciesMs: readonly number[];
  readonly failed: number;
  /** How late the generator itself sent, p99 of intended to actual: near the measured effect it voids the run. */
  readonly latenessP99Ms: number;
}

const REQUEST = 'GET /0 HTTP/1.1\r\nHost: app\r\n\r\n';
const GIVE_UP_MS = 5_000;

interface Lane {
  readonly socket: Socket;
  done: (failed: boolean) => void;
}

const openLane = (port: number, idle: Lane[]): Lane => {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const lane: Lane = { socket, done: () => {} };
  let received = '';
  socket.on('data', (bytes) => {
    received += bytes.toString('latin1');
    const end = received.indexOf('\r\n\r\n');
    if (end === -1) return;
    const length = Number(/content-length: (\d+)/i.exec(received)?.[1] ?? 0);
    if (received.length < end + 4 + length) return;
    const good = received.startsWith('HTTP/1.1 200');
    received = '';
    idle.push(lane);
    lane.done(!good);
  });
  socket.on('error', () => lane.done(true));
  socket.on('close', () => lane.done(true));
  return lane;
};

/** rate: requests a second, evenly spaced. */
export const openLoop = async (port: number, rate: number, seconds: number): Promise<OpenLoopResult> => {
  const idle: Lane[] = [];
  const lanes: Lane[] = [];
  const latenciesMs: number[] = [];
  const lateness: number[] = [];
  const pending: Promise<void>[] = [];
  const startedAt = performance.now();
  const fire = (intendedAt: number): void => {
    lateness.push(performance.now() - intendedAt);
    let lane = idle.pop();
    if (lane === undefined) {
      lane = openLane(port, idle);
      lanes.push(lane);
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    pending.push(promise);
    lane.done = (failed) => {
      if (!failed) latenciesMs.push(performance.now() - intendedAt);
      resolve();
    };
    lane.socket.write(REQUEST);
  };
  const total = Math.floor(rate * seconds);
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - startedAt) * rate) / 1_000) + 1);
    for (; sent < due; sent++) fire(startedAt + (sent * 1_000) / rate);
    // Polling instead of a timer: timers wake a millisecond late, which would be blamed on the proxy.
    await new Promise(setImmediate);
  }
  await Promise.race([Promise.all(pending), new Promise((resolve) => setTimeout(resolve, GIVE_UP_MS).unref())]);
  for (const { socket } of lanes) socket.destroy();
  return { latenciesMs, failed: total - latenciesMs.length, latenessP99Ms: percentile(lateness, 0.99) };
};
