/** The child processes of one seat: its program, its proxy, and the agent beside an Envoy. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SocketAddress } from '#system/network.ts';
import { seedFor } from '#system/random.ts';
import { agentCommand, type DataPlane } from '../data-planes/data-plane.ts';
import { bootstrapOf, OUTBOUND_PORT, type Seat } from '../seats.ts';
import type { ChildSpec } from '../supervisor.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** vipsFile: by it the program's calls find the addresses that stand for services. */
export const programOf = ({ definition, address, appPort }: Seat & { readonly kind: 'workload' }, vipsFile: string): ChildSpec => ({
  name: `${definition.name}.app`,
  command: process.execPath,
  args: ['--require', join(ROOT, 'environment/capture/preload.cjs'), join(ROOT, definition.program)],
  env: {
    ...definition.env,
    PORT: String(appPort),
    DINGHY_OUTBOUND: `${address}:${OUTBOUND_PORT}`,
    DINGHY_VIPS: vipsFile,
    DINGHY_NAMESPACE: definition.namespace,
  },
  restart: true,
});

/** What a sidecar is started with. directory: for its files. prepare: done before each start of who gets the certificate. */
export interface SidecarRoom {
  readonly directory: string;
  readonly dataPlane: DataPlane;
  readonly xdsAddress: SocketAddress;
  readonly identityFile: string;
  /** Absent: its clock is the machine's. */
  readonly clockAheadMs?: () => number;
  /** Of the mesh; each sidecar has its own from it. */
  readonly seed?: number | undefined;
  readonly prepare: () => Promise<void>;
  readonly onLine: (line: string) => boolean;
}

/** Writes its bootstrap. agent: where the proxy does not get its certificate itself. */
export const sidecarOf = (seat: Seat, room: SidecarRoom): { readonly agent?: ChildSpec; readonly proxy: ChildSpec } => {
  const { directory, dataPlane, xdsAddress, identityFile, clockAheadMs, seed, prepare, onLine } = room;
  const { name } = seat.definition;
  const file = join(directory, `${name}.bootstrap.json`);
  const sdsSocket = join(directory, `${name}.sds`);
  writeFileSync(file, bootstrapOf(seat, { xdsAddress, sdsSocket }));
  const { command, args, env, needsAgent } = dataPlane;
  const proxy: ChildSpec = {
    name: `${name}.proxy`,
    command,
    args: () =>
      args(file, {
        identityFile,
        ...(clockAheadMs && { clockAheadMs: clockAheadMs() }),
        ...(seed !== undefined && { seed: seedFor(seed, name) }),
      }),
    env,
    onLine,
    restart: true,
    ...(dataPlane.opensStdoutByName && { fifo: join(directory, `${name}.stdout`) }),
    ...(!needsAgent && { prepare }),
  };
  return needsAgent
    ? { agent: { name: `${name}.agent`, ...agentCommand(identityFile, sdsSocket), prepare, restart: true }, proxy }
    : { proxy };
};
