/** The aggregated discovery service over gRPC. Imported only by control planes that listen: gRPC costs memory. */
import {
  type Server as GrpcServer,
  logVerbosity,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServiceDefinition,
  setLogVerbosity,
  status,
} from '@grpc/grpc-js';
import { DiscoveryRequest, DiscoveryResponse } from '#envoy';
import type { SocketAddress } from '#system/network.ts';
import type { AdsServer } from './ads-server.ts';

/** A request lists names of resources; the largest meshes stay well below. */
const MAX_REQUEST_BYTES = 4 * 1024 * 1024;
/** A session has at most one response of each kind under way; more than this many unread ones is a peer that only asks. */
const MAX_UNREAD_RESPONSES = 64;

const SERVICE = {
  StreamAggregatedResources: {
    path: '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources',
    requestStream: true,
    responseStream: true,
    requestSerialize: (request: DiscoveryRequest) => Buffer.from(DiscoveryRequest.encode(request).finish()),
    requestDeserialize: (bytes: Buffer) => DiscoveryRequest.decode(bytes),
    responseSerialize: (response: DiscoveryResponse) => Buffer.from(DiscoveryResponse.encode(response).finish()),
    responseDeserialize: (bytes: Buffer) => DiscoveryResponse.decode(bytes),
  },
  DeltaAggregatedResources: {
    path: '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources',
    requestStream: true,
    responseStream: true,
    requestSerialize: (bytes: Buffer) => bytes,
    requestDeserialize: (bytes: Buffer) => bytes,
    responseSerialize: (bytes: Buffer) => bytes,
    responseDeserialize: (bytes: Buffer) => bytes,
  },
} satisfies ServiceDefinition;

const NO_DELTA = 'delta xDS is not served here; set api_type: GRPC in ads_config instead of DELTA_GRPC';

/** A server that listens. */
export interface GrpcAdsServer {
  readonly address: SocketAddress;
  /** Ends every stream. */
  close(): void;
}

/** Plain text; port 0 lets the system choose. Rejects when the address cannot be bound. */
export const listenForAds = async (server: AdsServer, at: SocketAddress): Promise<GrpcAdsServer> => {
  // What goes wrong is told by rejections and statuses, not on this process's standard error.
  setLogVerbosity(logVerbosity.NONE);
  const grpc = new Server({
    'grpc.max_receive_message_length': MAX_REQUEST_BYTES,
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 10_000,
    'grpc.so_reuseport': 0,
  });
  grpc.addService(SERVICE, {
    StreamAggregatedResources: (call: ServerDuplexStream<DiscoveryRequest, DiscoveryResponse>) => serve(server, call),
    DeltaAggregatedResources: (call: ServerDuplexStream<Buffer, Buffer>) =>
      void call.emit('error', { code: status.UNIMPLEMENTED, details: NO_DELTA }),
  });
  const port = await bind(grpc, at);
  return { address: { address: at.address, port }, close: () => grpc.forceShutdown() };
};

const bind = (grpc: GrpcServer, { address, port }: SocketAddress): Promise<number> =>
  new Promise((resolve, reject) => {
    const target = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
    grpc.bindAsync(target, ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound)));
  });

const serve = (server: AdsServer, call: ServerDuplexStream<DiscoveryRequest, DiscoveryResponse>): void => {
  const end = (code: status, details: string): void => {
    connection.closed();
    call.emit('error', { code, details });
  };
  const connection = server.accept({
    send: (response) => {
      if (call.writableLength >= MAX_UNREAD_RESPONSES) return end(status.RESOURCE_EXHAUSTED, 'too many responses are unread');
      call.write(response);
    },
    refuse: (reason) => end(status.INVALID_ARGUMENT, reason),
  });
  call.on('data', (request: DiscoveryRequest) => connection.receive(request));
  call.on('cancelled', () => connection.closed());
  call.on('close', () => connection.closed());
  call.on('end', () => {
    connection.closed();
    call.end();
  });
  call.on('error', () => connection.closed());
};
