/** Where each workload and gateway of a definition lives, and what is the same about it in every mode that runs proxies itself. Pure. */
import { sidecarBootstrap } from '#controlplane';
import type { SocketAddress } from '#system/network.ts';
import type { GatewayDefinition, MeshDefinition, WorkloadDefinition } from './definition.ts';
import type { Reporter } from './exchange-line.ts';
import type { RunningGateway, RunningWorkload } from './mode.ts';

/** Admin page of every proxy, on its own address. */
export const ADMIN_PORT = 15_000;
/** Captured connections go there, on the workload's own address. */
export const OUTBOUND_PORT = 15_001;

const FIRST_GATEWAY_HOST = 200;

/** appPort: where its program listens on 127.0.0.1; gateways have no program. */
export type Seat =
  | { readonly kind: 'workload'; readonly definition: WorkloadDefinition; readonly address: string; readonly appPort: number }
  | { readonly kind: 'gateway'; readonly definition: GatewayDefinition; readonly address: string };

/** address: of the n-th host of the mesh's block. appPorts: one for each workload. */
export const seatsOf = (
  { workloads, gateways }: MeshDefinition,
  { address, appPorts }: { readonly address: (host: number) => string; readonly appPorts: readonly number[] },
): readonly Seat[] => [
  ...workloads.map(
    (definition, index): Seat => ({ kind: 'workload', definition, address: address(index + 1), appPort: appPorts[index] ?? 0 }),
  ),
  ...gateways.map((definition, index): Seat => ({ kind: 'gateway', definition, address: address(FIRST_GATEWAY_HOST + index) })),
];

/** The seat of that workload or gateway. Throws when there is none. */
export const seatOf = (seats: readonly Seat[], name: string): Seat => {
  const found = seats.find(({ definition }) => definition.name === name);
  if (found === undefined) throw new Error(`no workload ${name}`);
  return found;
};

/** Where a seat's proxy is asked. */
export const adminUrlOf = ({ address }: Seat): string => `http://${address}:${ADMIN_PORT}`;

/** sdsSocket: of its agent; absent: it has no certificate. interception: the packet filter brings its connections. */
export interface BootstrapPlaces {
  readonly xdsAddress: SocketAddress;
  readonly sdsSocket?: string | undefined;
  readonly interception?: 'REDIRECT' | undefined;
}

/** With which bootstrap the seat's proxy starts. */
export const bootstrapOf = (seat: Seat, { xdsAddress, sdsSocket, interception }: BootstrapPlaces): string => {
  const { name, namespace, labels, serviceAccount, locality } = seat.definition;
  const weight = seat.kind === 'workload' ? seat.definition.weight : undefined;
  const appPorts = seat.kind === 'workload' ? { [seat.definition.port]: seat.appPort } : {};
  return sidecarBootstrap({
    node: {
      type: seat.kind === 'gateway' ? 'router' : 'sidecar',
      ip: seat.address,
      workload: name,
      namespace,
      labels,
      serviceAccount,
      appPorts,
      ...(locality && { locality }),
      ...(weight && { weight }),
      ...(interception && { interception }),
    },
    adminAddress: { address: seat.address, port: ADMIN_PORT },
    xdsAddress,
    ...(sdsSocket !== undefined && { sdsSocket }),
  });
};

/** Whose proxy tells. */
export const reporterOf = ({ kind, definition, address }: Seat): Reporter => ({
  name: definition.name,
  address,
  isGateway: kind === 'gateway',
});

/** Process id of a seat's proxy; undefined when it has none. */
export type PidOf = (name: string) => number | undefined;

const runningOf = (seat: Seat, pidOf: PidOf): RunningWorkload => {
  const { definition, address } = seat;
  const { name, namespace } = definition;
  const pid = pidOf(name);
  return {
    ...{ name, namespace, address, adminUrl: adminUrlOf(seat) },
    ...(seat.kind === 'workload' && { appPort: seat.appPort }),
    ...(pid !== undefined && { pid }),
  };
};

/** The workloads, as the environment describes them. */
export const runningWorkloads = (seats: readonly Seat[], pidOf: PidOf = () => undefined): RunningWorkload[] =>
  seats.filter(({ kind }) => kind === 'workload').map((seat) => runningOf(seat, pidOf));

/** The gateways, as the environment describes them. */
export const runningGateways = (seats: readonly Seat[], pidOf: PidOf = () => undefined): RunningGateway[] =>
  seats.flatMap((seat) =>
    seat.kind === 'gateway' ? [{ ...runningOf(seat, pidOf), url: `http://${seat.address}:${seat.definition.ports[0] ?? 80}` }] : [],
  );
