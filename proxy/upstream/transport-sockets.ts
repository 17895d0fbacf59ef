/** How bytes travel to a host: as they are, or under TLS. Which of a cluster's sockets an endpoint gets, its metadata says. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { Any, Cluster, TransportSocket } from '#envoy';
import { type ClientTls, compileClientTls } from '../tls/client-context.ts';

/** What an endpoint says under `envoy.transport_socket_match`. */
export type SocketLabels = Readonly<Record<string, unknown>>;

/** One way to a host; two with the same key are the same way. */
export type SocketConfig =
  | { readonly kind: 'raw'; readonly key: string }
  | { readonly kind: 'tls'; readonly key: string; readonly tls: ClientTls };

/** All ways of one cluster. */
export interface TransportSockets {
  /** The first whose labels an endpoint has is taken; without labels it fits everybody. */
  readonly matches: readonly { readonly labels: SocketLabels; readonly socket: SocketConfig }[];
  readonly otherwise: SocketConfig;
}

/** Plain text. */
export const RAW: SocketConfig = { kind: 'raw', key: '' };

const NAME_SPACE = 'envoy.transport_socket_match';
const RAW_BUFFER = 'type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer';
const UPSTREAM_TLS = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext';

/** Labels among an endpoint's metadata; undefined = it has none. */
export const socketLabels = (
  metadata: { readonly filterMetadata: { [key: string]: SocketLabels | undefined } } | undefined,
): SocketLabels | undefined => metadata?.filterMetadata[NAME_SPACE];

const keyOf = ({ typeUrl, value }: Any): string => `${typeUrl} ${Buffer.from(value).toString('base64')}`;

const compileSocket = (socket: TransportSocket): SocketConfig => {
  refuseUnsupported(socket, { read: ['name', 'configType'] });
  const config = socket.configType?.value;
  if (config === undefined) {
    if (socket.name === 'envoy.transport_sockets.raw_buffer') return RAW;
    throw new ConfigError('name', `transport socket ${socket.name} is not supported by this proxy`);
  }
  if (config.typeUrl === RAW_BUFFER) return RAW;
  if (config.typeUrl !== UPSTREAM_TLS)
    throw new ConfigError('typed_config', `transport socket ${config.typeUrl} is not supported by this proxy`);
  return { kind: 'tls', key: keyOf(config), tls: inField('typed_config', () => compileClientTls(config)) };
};

/** Throws ConfigError with a path relative to the cluster. */
export const compileTransportSockets = ({ transportSocket, transportSocketMatches }: Cluster): TransportSockets => ({
  otherwise: transportSocket ? inField('transport_socket', () => compileSocket(transportSocket)) : RAW,
  matches: transportSocketMatches.map((match, index) =>
    inField(`transport_socket_matches[${index}]`, () => {
      refuseUnsupported(match, { read: ['name', 'match', 'transportSocket'] });
      const socket = match.transportSocket;
      if (!socket) throw new ConfigError('transport_socket', 'is required');
      return { labels: match.match ?? {}, socket: inField('transport_socket', () => compileSocket(socket)) };
    }),
  ),
});

/** Every way, each once. */
export const allSockets = ({ matches, otherwise }: TransportSockets): readonly SocketConfig[] => {
  const all = new Map([...matches.map(({ socket }) => socket), otherwise].map((socket) => [socket.key, socket]));
  return [...all.values()];
};

const isSame = (wanted: unknown, given: unknown): boolean => {
  if (typeof wanted !== 'object' || wanted === null || typeof given !== 'object' || given === null) return wanted === given;
  const keys = Object.keys(wanted);
  return (
    Array.isArray(wanted) === Array.isArray(given) &&
    keys.length === Object.keys(given).length &&
    keys.every((key) => Object.hasOwn(given, key) && isSame(Reflect.get(wanted, key), Reflect.get(given, key)))
  );
};

const fits = (wanted: SocketLabels, given: SocketLabels): boolean =>
  Object.entries(wanted).every(([key, value]) => Object.hasOwn(given, key) && isSame(value, given[key]));

/** The way to an endpoint with these labels. */
export const socketFor = ({ matches, otherwise }: TransportSockets, labels: SocketLabels = {}): SocketConfig =>
  matches.find((match) => fits(match.labels, labels))?.socket ?? otherwise;
