/** The control plane as a supervised process: at addresses of the mesh's own, so that one that crashed comes back where proxies look for it. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SocketAddress } from '#system/network.ts';
import { type ControlPlaneClient, controlPlaneClient } from '../control-plane-client.ts';
import { CA_PORT } from '../identities.ts';
import type { Child, Supervisor } from '../supervisor.ts';

const PROGRAM = fileURLToPath(new URL('../../controlplane/main.ts', import.meta.url));
/** istiod's. */
const XDS_PORT = 15_010;
/** istiod's port for monitoring and debugging. */
const HTTP_PORT = 15_014;

/** Where it runs. directory: for its state. */
export interface ControlPlaneSeat {
  readonly supervisor: Supervisor;
  readonly address: string;
  readonly directory: string;
  /** Where its authority takes its root from; it makes one when absent. */
  readonly importAuthority?: string | undefined;
  /** How far its clock is ahead when it starts; absent: its time is the machine's and stays so. */
  readonly aheadMs?: () => number;
  /** It listens, also after it was started again. */
  readonly onReady?: () => void;
}

/** LIVING STATE: one control plane, whichever process it is at the moment. */
export class ControlPlaneProcess {
  readonly token = randomBytes(24).toString('base64url');
  readonly xdsAddress: SocketAddress;
  /** Where proxies get their certificates. */
  readonly caAddress: SocketAddress;
  /** The authority's folder. */
  readonly caDirectory: string;
  readonly url: string;
  readonly client: ControlPlaneClient;
  readonly #seat: ControlPlaneSeat;
  #child: Child | undefined;

  constructor(seat: ControlPlaneSeat) {
    this.#seat = seat;
    this.xdsAddress = { address: seat.address, port: XDS_PORT };
    this.caAddress = { address: seat.address, port: CA_PORT };
    this.caDirectory = join(seat.directory, 'ca');
    this.url = `http://${seat.address}:${HTTP_PORT}`;
    this.client = controlPlaneClient(this.url, this.token);
  }

  /** Process id; undefined while it is being started again. */
  get pid(): number | undefined {
    return this.#child?.pid();
  }

  /** Settles when it listens; rejects with its last words when it cannot start. From then on it is started again whenever it ends by itself. */
  start(): Promise<void> {
    const { supervisor, address, directory, importAuthority, onReady, aheadMs } = this.#seat;
    return new Promise((resolve, reject) => {
      let isReady = false;
      const child = supervisor.start({
        name: 'control-plane',
        command: process.execPath,
        args: () => [
          PROGRAM,
          ...['--http-address', `${address}:${HTTP_PORT}`, '--xds-address', `${address}:${XDS_PORT}`],
          ...['--ca-dir', this.caDirectory, '--ca-address', `${address}:${CA_PORT}`],
          ...(importAuthority === undefined ? [] : ['--ca-import', importAuthority]),
          ...['--state-file', join(directory, 'state.json'), '--debounce-ms', '10', '--log-level', 'warn'],
          ...(aheadMs === undefined ? [] : ['--virtual-clock', '--clock-ahead-ms', String(aheadMs())]),
        ],
        env: { DINGHY_TOKEN: this.token },
        restart: true,
        onLine: (line) => {
          if (!line.startsWith('{"ready"')) return false;
          isReady = true;
          onReady?.();
          resolve();
          return true;
        },
        onEnd: () => {
          if (isReady) return;
          // It has never run: trying again would only hide why.
          void child.stop();
          reject(new Error(`the control plane did not start: ${child.lastLines().slice(-3).join(' | ')}`));
        },
      });
      this.#child = child;
    });
  }

  /** Until it is started again the proxies serve what they have. */
  async stop(): Promise<void> {
    await this.#child?.stop();
  }
}
