/** The ADS stream over gRPC to a cluster of the bootstrap. Imported only by proxies that have a control plane: gRPC costs memory. */
import { Client, credentials } from '@grpc/grpc-js';
import type { OpenAdsStream } from '#api/ads-stream.ts';
import { DiscoveryRequest, DiscoveryResponse } from '#envoy';
import type { SocketAddress } from '#system/network.ts';

const METHOD = '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources';
const MAX_RESPONSE_BYTES = 64 * 1024 * 1024;

/** Plain-text gRPC; a stream that the server does not answer any more is found out by keep-alive pings. */
export const grpcAdsStream = (at: SocketAddress): OpenAdsStream => {
  const target = at.address.includes(':') ? `[${at.address}]:${at.port}` : `${at.address}:${at.port}`;
  return (events) => {
    // One client a stream: grpc-js keeps its own back-off between tries, which would be added to ours.
    const client = new Client(target, credentials.createInsecure(), {
      'grpc.max_receive_message_length': MAX_RESPONSE_BYTES,
      'grpc.keepalive_time_ms': 30_000,
      'grpc.keepalive_timeout_ms': 10_000,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_retries': 0,
    });
    const call = client.makeBidiStreamRequest<DiscoveryRequest, DiscoveryResponse>(
      METHOD,
      (request) => Buffer.from(DiscoveryRequest.encode(request).finish()),
      (bytes) => DiscoveryResponse.decode(bytes),
    );
    let over = false;
    const end = (reason: string): void => {
      if (over) return;
      over = true;
      client.close();
      events.ended(reason);
    };
    call.on('data', (response: DiscoveryResponse) => events.response(response));
    call.on('error', (error) => end(error.message));
    call.on('end', () => end(''));
    return {
      send: (request) => void (over || call.write(request)),
      close: () => {
        over = true;
        call.cancel();
        client.close();
      },
    };
  };
};
