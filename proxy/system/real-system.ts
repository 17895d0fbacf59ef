/** The real world: the machine's time, chance, sockets and files. */
import { type Clock, realClock } from './clock.ts';
import { LineWriter } from './line-writer.ts';
import { jsonLog, type Log, type LogLevel } from './log.ts';
import { MetricRegistry } from './metric-registry.ts';
import { realRandom, seededStreams } from './random.ts';
import { realNetwork } from './sockets/real-network.ts';
import type { WireTap } from './sockets/wire-tap.ts';
import type { System } from './system.ts';
import { realTls } from './tls/real-tls.ts';

/** The real world, with what only its owner may do. */
export interface RealSystem extends System {
  readonly metrics: MetricRegistry;
  /** Changes how much is logged from now on. */
  setLogLevel(level: LogLevel): void;
  /** Writes every waiting line, blocking; call it before the process ends. */
  flush(): void;
}

const delegating = (current: () => Log): Log => ({
  debug: (event, fields) => current().debug(event, fields),
  info: (event, fields) => current().info(event, fields),
  warn: (event, fields) => current().warn(event, fields),
  error: (event, fields) => current().error(event, fields),
});

/** How the real world is looked at. */
export interface RealSystemOptions {
  readonly logLevel: LogLevel;
  /** Where events go; standard error when absent. */
  readonly logPath?: string;
  /** The machine's when absent. */
  readonly clock?: Clock;
  readonly tap?: WireTap;
  /** Of what can be repeated: Random.stream. */
  readonly seed?: number;
}

/** The machine's world. */
export const realSystem = (options: RealSystemOptions): RealSystem => {
  const clock = options.clock ?? realClock();
  const lines = new LineWriter();
  const logAt = (level: LogLevel): Log =>
    jsonLog(
      level,
      (line) => lines.append(options.logPath ?? '/dev/stderr', line),
      () => clock.wallTimeMs(),
    );
  let log = logAt(options.logLevel);
  return {
    clock,
    random: options.seed === undefined ? realRandom() : seededStreams(options.seed),
    network: options.tap?.at(realNetwork()) ?? realNetwork(),
    tls: realTls(clock),
    log: delegating(() => log),
    metrics: new MetricRegistry(),
    appendLine: (path, line) => lines.append(path, line),
    setLogLevel: (level) => {
      log = logAt(level);
    },
    flush: () => lines.flushNow(),
  };
};
