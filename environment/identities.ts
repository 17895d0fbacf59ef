/** Who each proxy is, as files that it reads: its name, where the authority is, and a token that is good once. Nothing of it outlives the mesh. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SocketAddress } from '#system/network.ts';
import type { ControlPlaneClient } from './control-plane-client.ts';
import type { Seat } from './seats.ts';

/** istiod's. */
export const CA_PORT = 15_012;
/** Name by which the authority proves who it is, as istiod. */
const CA_NAME = 'istiod.istio-system.svc';
/** As Istio's. */
const DEFAULT_LIFE_S = 86_400;
const MODE = 0o600;

/** Where identities are written, and who gives tokens. */
export interface IdentityOptions {
  readonly directory: string;
  readonly client: Pick<ControlPlaneClient, 'bootstrapToken'>;
  readonly caAddress: SocketAddress;
  /** PEM file that always holds the roots in force. */
  readonly caRoots: string;
  /** Of certificates, 60 at least; 24 h when absent. */
  readonly lifeSeconds?: number | undefined;
  /** Where the proxy finds that folder; the same when absent. */
  readonly seenAs?: string;
  /** Makes a file the proxy's own, where the proxy is another user; done before the file gets its name. */
  readonly give?: (file: string) => Promise<void>;
}

/** Files of every seat in one folder. */
export class Identities {
  readonly #options: IdentityOptions;
  #written = 0;

  constructor(options: IdentityOptions) {
    this.#options = options;
    mkdirSync(options.directory, { recursive: true, mode: 0o700 });
  }

  /** The file that a proxy is started with. */
  fileOf({ definition: { name } }: Seat): string {
    return join(this.#options.directory, `${name}.json`);
  }

  /** Writes the seat's files with a fresh token. Rejects when the control plane does not answer. */
  async refresh(seat: Seat): Promise<void> {
    const { client, caAddress, caRoots, lifeSeconds = DEFAULT_LIFE_S, directory, seenAs = directory } = this.#options;
    const { name, namespace, serviceAccount } = seat.definition;
    const { token, spiffeId } = await client.bootstrapToken({ namespace, serviceAccount, workload: name });
    const tokenFile = `${name}.token`;
    await this.#write(tokenFile, token);
    const identity = {
      spiffeId,
      caAddress: `${caAddress.address}:${caAddress.port}`,
      caRoots,
      caName: CA_NAME,
      tokenFile: join(seenAs, tokenFile),
      lifeSeconds,
    };
    await this.#write(`${name}.json`, JSON.stringify(identity));
  }

  remove(): void {
    rmSync(this.#options.directory, { recursive: true, force: true });
  }

  async #write(name: string, text: string): Promise<void> {
    const path = join(this.#options.directory, name);
    // Two may be written at a time, each under a name of its own until it is whole.
    const fresh = `${path}.${++this.#written}.new`;
    writeFileSync(fresh, text, { mode: MODE });
    await this.#options.give?.(fresh);
    renameSync(fresh, path);
  }
}
