/**
 * The second world: time that you advance, seeded chance, a network in memory, and logs, lines and metrics that you can read.
 * Product code: the simulation mode and the tests run the real planes on it.
 */
import type { Log, LogLevel } from './log.ts';
import { MetricRegistry } from './metric-registry.ts';
import { seededRandom } from './random.ts';
import { type SimulatedClock, simulatedClock } from './simulated-clock.ts';
import { SimulatedNetwork } from './simulated-network.ts';
import type { System } from './system.ts';
import { SimulatedTls } from './tls/simulated-tls.ts';

/** One event as it was logged. */
export interface LoggedEvent {
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What all simulated processes share. */
export interface SimulatedWorld {
  readonly clock: SimulatedClock;
  readonly network: SimulatedNetwork;
  readonly tls: SimulatedTls;
}

/** One simulated process. */
export interface SimulatedSystem extends System {
  readonly clock: SimulatedClock;
  readonly metrics: MetricRegistry;
  readonly world: SimulatedWorld;
  readonly events: readonly LoggedEvent[];
  /** What was appended to access-log files. */
  readonly lines: readonly { readonly path: string; readonly line: string }[];
}

/** A world at its beginning. */
export const simulatedWorld = (): SimulatedWorld => {
  const clock = simulatedClock();
  return { clock, network: new SimulatedNetwork(), tls: new SimulatedTls(clock) };
};

/**
 * One process in a world; a world of its own when none is given.
 *
 * address: where its connections come from. onLine: hears of each appended line at once.
 */
export const simulatedSystem = (
  options: {
    readonly seed?: number;
    readonly address?: string;
    readonly world?: SimulatedWorld;
    readonly onLine?: (path: string, line: string) => void;
  } = {},
): SimulatedSystem => {
  const world = options.world ?? simulatedWorld();
  const events: LoggedEvent[] = [];
  const lines: { path: string; line: string }[] = [];
  const random = seededRandom(options.seed ?? 1);
  return {
    world,
    clock: world.clock,
    network: world.network.from(options.address ?? '127.0.0.1'),
    tls: world.tls.for(random),
    random,
    log: recordingLog(events),
    metrics: new MetricRegistry(),
    events,
    lines,
    appendLine: (path, line) => {
      lines.push({ path, line });
      options.onLine?.(path, line);
    },
  };
};

const recordingLog = (events: LoggedEvent[]): Log => {
  const at =
    (level: LogLevel) =>
    (event: string, fields: Readonly<Record<string, unknown>> = {}): void =>
      void events.push({ level, event, fields });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
};
