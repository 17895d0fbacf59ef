/** What a mesh of containers consists of, with addresses and ports that are free now. */
import { randomBytes } from 'node:crypto';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { seedFor } from '#system/random.ts';
import { freePorts } from '../addresses.ts';
import { agentCommand, type DataPlane } from '../data-planes/data-plane.ts';
import type { MeshDefinition } from '../definition.ts';
import { CA_PORT } from '../identities.ts';
import { ADMIN_PORT, type Seat, seatsOf } from '../seats.ts';
import { BOOTSTRAP_FILE, type ComposedMesh, IDENTITY_FOLDER, type PublishedPort, SDS_SOCKET } from './compose-file.ts';
import { freeSubnet } from './engine.ts';

/** istiod's. */
export const XDS_PORT = 15_010;
/** istiod's. */
export const HTTP_PORT = 15_014;

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Where the checkout is in an image. */
const CHECKOUT = '/dinghy';
const CONTROL_PLANE_HOST = 250;
/** node:ffi is experimental, and says so. */
const QUIET = '--disable-warning=ExperimentalWarning';

/** A path of this checkout, as the image has it. */
const inImage = (argument: string): string => (argument.startsWith(ROOT) ? join(CHECKOUT, relative(ROOT, argument)) : argument);

/** What is run in the sidecars, and in the agents beside those that cannot get their certificates themselves. */
const proxyPrograms = (dataPlane: DataPlane, seats: readonly Seat[], seed: number | undefined): Pick<ComposedMesh, 'proxy' | 'agents'> => {
  const identityFile = (name: string): string => `${IDENTITY_FOLDER}/${name}.json`;
  const { env, args } = dataPlane;
  if (dataPlane.name === 'dinghy') {
    const flags = (name: string) => ({ identityFile: identityFile(name), ...(seed !== undefined && { seed: seedFor(seed, name) }) });
    const command = (name: string) => [QUIET, ...args(BOOTSTRAP_FILE, flags(name)).map(inImage)];
    return { proxy: { image: 'proxy', command, env }, agents: {} };
  }
  const agentOf = (name: string) => [QUIET, ...agentCommand(identityFile(name), SDS_SOCKET).args.map(inImage)];
  return {
    proxy: { image: 'envoy', command: () => args(BOOTSTRAP_FILE), env },
    agents: Object.fromEntries(seats.map(({ definition: { name } }) => [name, agentOf(name)])),
  };
};

/** Chooses addresses and ports that are free now. seed: of what proxies leave to chance. */
export const planMesh = async (name: string, definition: MeshDefinition, dataPlane: DataPlane, seed?: number): Promise<ComposedMesh> => {
  const block = await freeSubnet();
  // Docker keeps the first address for itself.
  const address = (host: number): string => `${block}.${host + 1}`;
  const seats = seatsOf(definition, { address, appPorts: definition.workloads.map(({ port }) => port) });
  const wanted = seats.map((seat) => [ADMIN_PORT, ...(seat.kind === 'gateway' ? seat.definition.ports : [])]);
  const free = await freePorts(wanted.flat().length + 2);
  const publish = (container: number): PublishedPort => ({ host: free.pop() ?? 0, container });
  return {
    name,
    subnet: `${block}.0/24`,
    seats,
    controlPlane: {
      address: address(CONTROL_PLANE_HOST),
      command: [
        'controlplane/main.ts',
        ...['--http-address', `0.0.0.0:${HTTP_PORT}`, '--xds-address', `0.0.0.0:${XDS_PORT}`],
        ...['--ca-dir', `${CHECKOUT}/ca`, '--ca-address', `0.0.0.0:${CA_PORT}`],
        ...['--state-file', `${CHECKOUT}/state.json`, '--debounce-ms', '10', '--log-level', 'warn'],
      ],
      token: randomBytes(24).toString('base64url'),
      ports: [publish(HTTP_PORT), publish(XDS_PORT)],
    },
    ...proxyPrograms(dataPlane, seats, seed),
    ports: Object.fromEntries(seats.map(({ definition: { name: seat } }, index) => [seat, (wanted[index] ?? []).map(publish)])),
  };
};
