/** Who each pod's proxy is, as files in a folder that only its container sees. LIVING STATE: the roots that were last written. */
import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SocketAddress } from '#system/network.ts';
import type { ControlPlaneClient } from '../control-plane-client.ts';
import { Identities } from '../identities.ts';
import type { Seat } from '../seats.ts';
import { IDENTITY_FOLDER } from './compose-file.ts';
import { giveFile } from './engine.ts';
import { SIDECAR_UID } from './redirect-rules.ts';

const ROOTS = 'roots.pem';

/** directory: holds a folder for each pod. */
export interface PodIdentitiesOptions {
  readonly directory: string;
  readonly client: Pick<ControlPlaneClient, 'authority' | 'bootstrapToken'>;
  readonly caAddress: SocketAddress;
  readonly lifeSeconds?: number | undefined;
}

/** Identities of every pod. */
export class PodIdentities {
  readonly #options: PodIdentitiesOptions;
  readonly #seats = new Map<string, { readonly seat: Seat; readonly files: Identities; readonly folder: string }>();
  #roots = '';

  constructor(options: PodIdentitiesOptions, seats: readonly Seat[]) {
    this.#options = options;
    for (const seat of seats) this.#add(seat);
  }

  #add(seat: Seat): void {
    const { directory, client, caAddress, lifeSeconds } = this.#options;
    const { name } = seat.definition;
    const folder = join(directory, name);
    const files = new Identities({
      ...{ directory: folder, client, caAddress, lifeSeconds, seenAs: IDENTITY_FOLDER, caRoots: `${IDENTITY_FOLDER}/${ROOTS}` },
      give: (file) => giveFile(file, SIDECAR_UID),
    });
    // Ours, so that we can replace files; the proxy's user passes through it to files that are its own. The folders above are closed to others.
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o711);
    this.#seats.set(name, { seat, files, folder });
  }

  /** A fresh token for that workload or gateway. Rejects when the control plane does not answer. */
  async refresh(name: string): Promise<void> {
    const known = this.#seats.get(name);
    await known?.files.refresh(known.seat);
  }

  /** A fresh token for everybody. */
  async refreshAll(): Promise<void> {
    await Promise.all([...this.#seats.keys()].map((name) => this.refresh(name)));
  }

  /** The roots in force, for whoever asks the authority. */
  async refreshRoots(): Promise<void> {
    const { roots } = await this.#options.client.authority();
    const text = roots.map(({ pem }) => pem.trimEnd()).join('\n');
    if (text === this.#roots) return;
    for (const { folder } of this.#seats.values()) {
      const file = join(folder, ROOTS);
      writeFileSync(`${file}.new`, `${text}\n`, { mode: 0o644 });
      renameSync(`${file}.new`, file);
    }
    this.#roots = text;
  }
}
