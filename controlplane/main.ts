/** The control plane as a process. The only reader of `process` in the control plane. */
import { readFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { parseArgs } from 'node:util';
import { LOG_LEVELS, type LogLevel } from '#system/log.ts';
import type { SocketAddress } from '#system/network.ts';
import { realSystem } from '#system/real-system.ts';
import { type ShiftableClock, shiftableClock } from '#system/shiftable-clock.ts';
import { type ControlPlaneOptions, startControlPlane } from './control-plane.ts';
import { readMeshConfig } from './mesh-config.ts';

const USAGE = `Runs one control plane: Istio resources in, xDS out.

  --config-dir DIR         a folder of YAML files to watch
  --state-file FILE        where what is applied over HTTP is kept, so that a restart does not lose it
  --http-address ADDR:PORT the API and the debug pages (default: 127.0.0.1:0)
  --xds-address ADDR:PORT  where proxies connect by gRPC, plain text (default: 127.0.0.1:0)
  --ca-dir DIR             the authority's root, keys and state; a root is made there at the first start; absent: nobody certifies workloads
  --ca-address ADDR:PORT   where proxies ask for certificates by gRPC and TLS (default: 127.0.0.1:0)
  --ca-import DIR          a folder like istiod's cacerts, which the first start takes its root from
  --token TOKEN            what calls that change something must carry; or DINGHY_TOKEN; made up and printed when absent
  --mesh-config FILE       settings of the whole mesh, as Istio's MeshConfig
  --debounce-ms N          quiet time before a push (default: 100)
  --virtual-clock          POST /clock puts this process's time forward
  --clock-ahead-ms N       how far a virtual clock is ahead from the start (default: 0)
  --log-level LEVEL        ${LOG_LEVELS.join(', ')} (default: info)
`;

const flags = () =>
  parseArgs({
    options: {
      'config-dir': { type: 'string' },
      'state-file': { type: 'string' },
      'http-address': { type: 'string', default: '127.0.0.1:0' },
      'xds-address': { type: 'string', default: '127.0.0.1:0' },
      'ca-dir': { type: 'string' },
      'ca-address': { type: 'string', default: '127.0.0.1:0' },
      'ca-import': { type: 'string' },
      token: { type: 'string' },
      'mesh-config': { type: 'string' },
      'debounce-ms': { type: 'string' },
      'virtual-clock': { type: 'boolean', default: false },
      'clock-ahead-ms': { type: 'string', default: '0' },
      'log-level': { type: 'string', default: 'info' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  }).values;

type Flags = ReturnType<typeof flags>;

const readAddress = (flag: string, text: string): SocketAddress => {
  const [, address, port] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  if (address === undefined || Number(port) > 65_535) throw new Error(`--${flag}: ${text} is not ADDRESS:PORT`);
  return { address: address.replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
};

const readLogLevel = (word: string): LogLevel => {
  const level = LOG_LEVELS.find((candidate) => candidate === word);
  if (level === undefined) throw new Error(`--log-level: ${word} is not one of ${LOG_LEVELS.join(', ')}`);
  return level;
};

const readMilliseconds = (flag: string, text: string): number => {
  if (!/^\d{1,12}$/.test(text)) throw new Error(`--${flag}: ${text} is not a number of milliseconds`);
  return Number(text);
};

const authorityOf = (given: Flags): Pick<ControlPlaneOptions, 'authority'> => {
  const directory = given['ca-dir'];
  const importFrom = given['ca-import'];
  if (directory === undefined) return {};
  const address = readAddress('ca-address', given['ca-address']);
  return { authority: { kind: 'folder', directory, address, ...(importFrom !== undefined && { importFrom }) } };
};

/** The token may also come from the environment, where `ps` does not show it. */
const optionsOf = (given: Flags): ControlPlaneOptions => {
  const token = given.token ?? process.env.DINGHY_TOKEN;
  const directory = given['config-dir'];
  const stateFile = given['state-file'];
  const meshConfig = given['mesh-config'];
  const debounce = given['debounce-ms'];
  return {
    httpAddress: readAddress('http-address', given['http-address']),
    xdsAddress: readAddress('xds-address', given['xds-address']),
    ...authorityOf(given),
    ...(token && { token }),
    ...(directory !== undefined && { configDirectory: directory }),
    ...(stateFile !== undefined && { stateFile }),
    ...(meshConfig !== undefined && { meshConfig: readMeshConfig(readFileSync(meshConfig, 'utf8')) }),
    ...(debounce !== undefined && { debounceMs: readMilliseconds('debounce-ms', debounce) }),
  };
};

const shifting =
  (clock: ShiftableClock) =>
  (ms: number): number => {
    clock.shift(ms);
    return clock.aheadMs;
  };

const format = (at: SocketAddress | undefined): string =>
  at === undefined ? '' : `${at.address.includes(':') ? `[${at.address}]` : at.address}:${at.port}`;

const run = async (): Promise<void> => {
  const given = flags();
  if (given.help) {
    process.stdout.write(USAGE);
    return;
  }
  const options = optionsOf(given);
  const clock = given['virtual-clock'] ? shiftableClock(readMilliseconds('clock-ahead-ms', given['clock-ahead-ms'])) : undefined;
  const system = realSystem({ logLevel: readLogLevel(given['log-level']), ...(clock && { clock }) });
  process.on('exit', () => system.flush());
  const controlPlane = await startControlPlane({ ...options, ...(clock && { shiftClock: shifting(clock) }) }, system);
  const leave = async (): Promise<void> => {
    await controlPlane.close();
    process.exit(0);
  };
  process.once('SIGTERM', leave).once('SIGINT', leave);
  const ready = {
    ready: true,
    http: format(controlPlane.httpAddress),
    xds: format(controlPlane.xdsAddress),
    ca: format(controlPlane.caAddress),
  };
  // Whoever started us without a token needs the one that was made up.
  process.stdout.write(`${JSON.stringify({ ...ready, ...(options.token === undefined && { token: controlPlane.token }) })}\n`);
  flushCompileCache();
};

run().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
