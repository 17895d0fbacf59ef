/** How bytes travel to a host. Only plain text so far: everything else is refused where it stands. */

import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { Cluster, TransportSocket } from '#envoy';

const RAW_BUFFER = 'type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer';

const refuseUnlessPlain = (socket: TransportSocket): void => {
  if (socket.configType === undefined && socket.name === 'envoy.transport_sockets.raw_buffer') return;
  if (socket.configType?.value.typeUrl === RAW_BUFFER) return;
  if (socket.configType === undefined) throw new ConfigError('name', `transport socket ${socket.name} is not supported by this proxy`);
  throw new ConfigError('typed_config', `transport socket ${socket.configType.value.typeUrl} is not supported by this proxy`);
};

/** Throws ConfigError unless every transport socket of the cluster is raw_buffer. */
export const refuseTransportSockets = (cluster: Cluster): void => {
  const { transportSocket, transportSocketMatches } = cluster;
  if (transportSocket) inField('transport_socket', () => refuseUnlessPlain(transportSocket));
  for (const [index, match] of transportSocketMatches.entries()) {
    inField(`transport_socket_matches[${index}]`, () => {
      refuseUnsupported(match, { read: ['name', 'match', 'transportSocket'] });
      const socket = match.transportSocket;
      if (socket) inField('transport_socket', () => refuseUnlessPlain(socket));
    });
  }
};
