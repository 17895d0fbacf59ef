/** Who proxies, behind one interface: the same bootstrap, another program. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { DataPlaneName } from '../mode.ts';
import { sidecarProgram } from './sidecar-program.ts';

/** What else a sidecar is started with. Envoy knows none of it. */
export interface SidecarFlags {
  /** Who it is. */
  readonly identityFile?: string;
  /** Its clock can be put forward, by that many milliseconds from the start, and it records bytes when it is asked to; absent: neither. */
  readonly clockAheadMs?: number | undefined;
  /** Of what it leaves to chance. */
  readonly seed?: number | undefined;
}

/** A program that takes an Envoy bootstrap. */
export interface DataPlane {
  readonly name: DataPlaneName;
  readonly command: string;
  readonly args: (bootstrapFile: string, more?: SidecarFlags) => readonly string[];
  /** Its certificates come from an agent beside it, at a socket; otherwise it gets them itself. */
  readonly needsAgent: boolean;
  /** Beside what it inherits. */
  readonly env: Readonly<Record<string, string>>;
  /** It opens /dev/stdout by name, which a socket does not allow. */
  readonly opensStdoutByName: boolean;
}

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** Memory first: a mesh runs many proxies. Measured: 14 MB less per sidecar at no cost in CPU. */
const SIDECAR_FLAGS = ['--max-semi-space-size=2', '--v8-pool-size=1'];
/** glibc's own defaults, but fixed: it raises them by what a start or the compiler once took and gave back, and keeps that much for good. 3 MB. */
const SIDECAR_ENV = { MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_TRIM_THRESHOLD_: '131072' };

const dinghy = (): DataPlane => {
  const program = sidecarProgram(at(''));
  return {
    name: 'dinghy',
    command: process.execPath,
    args: (bootstrapFile, { identityFile, clockAheadMs, seed } = {}) => [
      ...[...SIDECAR_FLAGS, program, '-c', bootstrapFile, '--log-level', 'warn'],
      ...(identityFile === undefined ? [] : ['--identity', identityFile]),
      ...(clockAheadMs === undefined ? [] : ['--virtual-clock', '--clock-ahead-ms', String(clockAheadMs), '--wire-tap']),
      ...(seed === undefined ? [] : ['--seed', String(seed)]),
    ],
    needsAgent: false,
    env: SIDECAR_ENV,
    opensStdoutByName: false,
  };
};

/** How an agent is started. */
export const agentCommand = (identityFile: string, socket: string): { readonly command: string; readonly args: readonly string[] } => ({
  command: process.execPath,
  args: [...SIDECAR_FLAGS, at('proxy/agent.ts'), '--identity', identityFile, '--socket', socket],
});

/** Where `npm run envoy` puts it; DINGHY_ENVOY names another. */
export const envoyBinary = (): string => process.env.DINGHY_ENVOY ?? at('.cache/envoy/envoy-1.40.0');

/** Drain 0: otherwise a changed filter chain keeps serving pooled connections, and a test would see the old configuration. */
const envoy: DataPlane = {
  name: 'envoy',
  get command() {
    return envoyBinary();
  },
  args: (bootstrapFile) => [
    '-c',
    bootstrapFile,
    '--concurrency',
    '1',
    '--drain-time-s',
    '0',
    '--drain-strategy',
    'immediate',
    '--use-dynamic-base-id',
    '--file-flush-interval-msec',
    '20',
    '-l',
    'warning',
  ],
  needsAgent: true,
  env: {},
  opensStdoutByName: true,
};

/** Why there is no Envoy here; undefined when there is. */
export const envoyMissing = (): string | undefined =>
  existsSync(envoyBinary()) ? undefined : 'Envoy is not fetched yet: run "npm run envoy"';

/** Throws when that data plane cannot be had here. */
export const findDataPlane = (name: DataPlaneName): DataPlane => {
  if (name === 'dinghy') return dinghy();
  const missing = envoyMissing();
  if (missing !== undefined) throw new Error(missing);
  return envoy;
};
