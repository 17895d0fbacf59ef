/** A proxy beside those of the mesh, of the same kind, that no control plane configures: for what Istio has no words for. */
import { join } from 'node:path';
import type { DataPlane } from './data-planes/data-plane.ts';
import type { StartLone } from './mode.ts';
import type { Supervisor } from './supervisor.ts';

/** First of the hosts of a mesh's block that are theirs, and how many. */
const FIRST_HOST = 100;
const HOSTS = 90;

/** One address after another. address: of the n-th host of the mesh's block. */
export const loneAddresses = (address: (host: number) => string): (() => string) => {
  let taken = 0;
  return () => address(FIRST_HOST + (taken++ % HOSTS));
};

/** What a process of its own needs of the mesh. */
export interface LoneProcessRoom {
  readonly supervisor: Supervisor;
  readonly dataPlane: DataPlane;
  readonly directory: string;
  /** Writes a file that only its owner may read. */
  readonly write: (path: string, text: string) => void;
  readonly nextAddress: () => string;
}

/** As a process that is supervised with the mesh's others. */
export const startLoneProcess =
  ({ supervisor, dataPlane, directory, write, nextAddress }: LoneProcessRoom): StartLone =>
  async (bootstrapOf) => {
    const address = nextAddress();
    const name = `lone-${address}.proxy`;
    const file = join(directory, `${name}.json`);
    write(file, bootstrapOf(address));
    const lines: string[] = [];
    const { command, args, env, opensStdoutByName } = dataPlane;
    const child = supervisor.start({
      ...{ name, command, args: args(file), env, restart: false },
      onLine: (line) => lines.push(line) > 0,
      ...(opensStdoutByName && { fifo: join(directory, `${name}.stdout`) }),
    });
    return { address, lines, [Symbol.asyncDispose]: () => child.stop() };
  };
