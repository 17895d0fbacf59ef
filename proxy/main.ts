/** One proxy as a process, with Envoy's flags. Reads `process`, as the other program of this folder, `agent.ts`, does. */
import { readFileSync, writeFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { parseArgs } from 'node:util';
import { ConfigError } from '#api/config-error.ts';
import { type Bootstrap, Node } from '#envoy';
import { realClock } from '#system/clock.ts';
import { LOG_LEVELS, type LogLevel } from '#system/log.ts';
import { type RealSystem, realSystem } from '#system/real-system.ts';
import { type ShiftableClock, shiftableClock } from '#system/shiftable-clock.ts';
import { WireTap } from '#system/sockets/wire-tap.ts';
import { readBootstrap } from './bootstrap.ts';
import { readIdentityFile } from './identity-file.ts';
import { type ProxyOptions, type RunningProxy, startProxy, validateBootstrap } from './proxy.ts';

const VERSION = '0.1.0';
const ENVOY_LEVELS: Readonly<Record<string, LogLevel>> = { trace: 'debug', warning: 'warn', critical: 'error' };

const USAGE = `Runs one proxy from an Envoy bootstrap. The flags are Envoy's:

  -c, --config-path FILE       the bootstrap, YAML or JSON
  --config-yaml TEXT           the bootstrap itself, in place of a file
  --mode serve|validate        validate: only say whether the configuration is good (default: serve)
  -l, --log-level LEVEL        trace, debug, info, warning, error, critical, off (default: info)
  --log-path FILE              where the log goes; standard output when absent
  --service-node ID            node id that the control plane sees, in place of the bootstrap's
  --service-cluster NAME       node cluster, in place of the bootstrap's
  --drain-time-s N             how long open connections may go on while draining (default: 600)
  --drain-strategy gradual|immediate  (default: gradual)
  --admin-address-path FILE    where the address of the admin pages is written
  --virtual-clock              POST /clock?advance_ms=N on the admin port puts this proxy's time forward; not Envoy's
  --clock-ahead-ms N           how far a virtual clock is ahead from the start; not Envoy's
  --seed N                     makes what is left to chance the same on every run: picks, weights, back-offs, percentages; not Envoy's
  --wire-tap                   POST /tap/arm on the admin port records bytes of connections, GET /tap shows them; not Envoy's
  --identity FILE              who the workload is and which authority certifies it, as JSON; in place of an agent behind sds-grpc; not Envoy's
  --version                    which proxy this is
  -h, --help                   this text

Accepted, and without effect, since one process is one event loop that is never restarted in place:
  --concurrency, --base-id, --use-dynamic-base-id, --disable-hot-restart
`;

const flags = () =>
  parseArgs({
    options: {
      'config-path': { type: 'string', short: 'c' },
      'config-yaml': { type: 'string' },
      'log-level': { type: 'string', short: 'l', default: 'info' },
      'log-path': { type: 'string' },
      concurrency: { type: 'string' },
      'drain-time-s': { type: 'string', default: '600' },
      'drain-strategy': { type: 'string', default: 'gradual' },
      'service-node': { type: 'string' },
      'service-cluster': { type: 'string' },
      mode: { type: 'string', default: 'serve' },
      'base-id': { type: 'string' },
      'use-dynamic-base-id': { type: 'boolean' },
      'disable-hot-restart': { type: 'boolean' },
      'admin-address-path': { type: 'string' },
      'virtual-clock': { type: 'boolean' },
      'clock-ahead-ms': { type: 'string', default: '0' },
      'wire-tap': { type: 'boolean' },
      seed: { type: 'string' },
      identity: { type: 'string' },
      version: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  }).values;

type Flags = ReturnType<typeof flags>;

const oneOf = (flag: string, word: string, known: readonly string[]): void => {
  if (!known.includes(word)) throw new ConfigError(flag, `${word} is not one of ${known.join(', ')}`);
};

const logLevel = (word: string): LogLevel => {
  const level = ENVOY_LEVELS[word] ?? word;
  const known = LOG_LEVELS.find((candidate) => candidate === level);
  if (!known) throw new ConfigError('--log-level', `${word} is not one of trace, debug, info, warning, error, critical, off`);
  return known;
};

const fileText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError('--config-path', `cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
};

const read = async (given: Flags): Promise<Bootstrap> => {
  const path = given['config-path'];
  const inline = given['config-yaml'];
  if ((path === undefined) === (inline === undefined)) throw new ConfigError('', 'give either --config-path or --config-yaml');
  const bootstrap = await readBootstrap(inline ?? fileText(path ?? ''), path ?? '--config-yaml');
  const node = Node.fromPartial(bootstrap.node ?? {});
  return { ...bootstrap, node: { ...node, id: given['service-node'] ?? node.id, cluster: given['service-cluster'] ?? node.cluster } };
};

const seconds = (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new ConfigError('--drain-time-s', `${text} is not a number of seconds`);
  return value;
};

/** Words of envoy.admin.v3.CommandLineOptions. */
const optionsOf = (given: Flags): Readonly<Record<string, unknown>> => ({
  config_path: given['config-path'] ?? '',
  config_yaml: given['config-yaml'] ?? '',
  admin_address_path: given['admin-address-path'] ?? '',
  log_level: given['log-level'],
  log_path: given['log-path'] ?? '',
  service_cluster: given['service-cluster'] ?? '',
  service_node: given['service-node'] ?? '',
  drain_time: `${seconds(given['drain-time-s'])}s`,
  drain_strategy: given['drain-strategy'] === 'immediate' ? 'Immediate' : 'Gradual',
  mode: given.mode === 'validate' ? 'Validate' : 'Serve',
  // One process is one event loop; it is never restarted in place.
  concurrency: 1,
  disable_hot_restart: true,
});

/** What lets people look closer, and Envoy does not have; only of a proxy that was started for it. */
interface Instruments {
  readonly clock?: ShiftableClock;
  readonly tap?: WireTap;
}

const instrumentsOf = (given: Flags): Instruments => {
  const ahead = given['clock-ahead-ms'];
  if (!/^\d{1,12}$/.test(ahead)) throw new ConfigError('--clock-ahead-ms', `${ahead} is not a number of milliseconds`);
  const clock = given['virtual-clock'] ? shiftableClock(Number(ahead)) : undefined;
  return { ...(clock && { clock }), ...(given['wire-tap'] && { tap: new WireTap((clock ?? realClock()).wallTimeMs) }) };
};

const seedOf = (text: string): number => {
  if (!/^\d{1,10}$/.test(text) || Number(text) > 0xffff_ffff) throw new ConfigError('--seed', `${text} is not a whole number below 2^32`);
  return Number(text);
};

const host = (system: RealSystem, given: Flags, { clock, tap }: Instruments, quit: () => void): NonNullable<ProxyOptions['host']> => {
  let current = given['log-level'];
  return {
    options: () => optionsOf(given),
    memory: () => {
      const { heapUsed, heapTotal, rss } = process.memoryUsage();
      return { allocated: heapUsed, heapSize: heapTotal, total: rss };
    },
    logging: (word) => {
      if (word !== undefined) {
        system.setLogLevel(logLevel(word));
        current = word;
      }
      return current;
    },
    ...(clock && {
      // After the answer has left: its own connection looks idle for all the time that is skipped.
      shiftClock: (ms: number) => {
        clock.after(0, () => clock.shift(ms));
        return clock.aheadMs + ms;
      },
    }),
    ...(tap && { tap }),
    quit,
  };
};

/** After what is being answered now has left. */
const leave = async (proxy: RunningProxy, system: RealSystem): Promise<void> => {
  await system.clock.sleep(50);
  await proxy.close();
  process.exit(0);
};

/** First signal: drain, then leave. Second: leave. */
const leaveOnSignals = (proxy: RunningProxy, system: RealSystem): void => {
  let leaving = false;
  const drainAndLeave = async (): Promise<void> => {
    if (leaving) process.exit(1);
    leaving = true;
    system.log.info('proxy.draining');
    await proxy.drain();
    await proxy.close();
    process.exit(0);
  };
  process.on('SIGTERM', drainAndLeave).on('SIGINT', drainAndLeave);
};

const run = async (): Promise<void> => {
  const given = flags();
  if (given.help) {
    process.stdout.write(USAGE);
    return;
  }
  if (given.version) {
    process.stdout.write(`dinghy ${VERSION}\n`);
    return;
  }
  oneOf('--mode', given.mode, ['serve', 'validate']);
  oneOf('--drain-strategy', given['drain-strategy'], ['gradual', 'immediate']);
  const logPath = given['log-path'];
  const instruments = instrumentsOf(given);
  const system = realSystem({
    logLevel: logLevel(given['log-level']),
    ...(logPath !== undefined && { logPath }),
    ...(given.seed !== undefined && { seed: seedOf(given.seed) }),
    ...instruments,
  });
  process.on('exit', () => system.flush());
  const bootstrap = await read(given);
  if (given.mode === 'validate') {
    await validateBootstrap(bootstrap, system);
    process.stdout.write('configuration OK\n');
    return;
  }
  const identity = given.identity === undefined ? undefined : await readIdentityFile(given.identity, system.clock);
  const proxy = await startProxy(bootstrap, system, {
    ...(identity && { identity }),
    drainTimeMs: seconds(given['drain-time-s']) * 1000,
    host: host(system, given, instruments, () => void leave(proxy, system)),
  });
  const addressPath = given['admin-address-path'];
  if (addressPath !== undefined && proxy.adminAddress)
    writeFileSync(addressPath, `${proxy.adminAddress.address}:${proxy.adminAddress.port}`);
  leaveOnSignals(proxy, system);
  await proxy.whenReady;
  flushCompileCache();
};

run().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
  process.exit();
});
