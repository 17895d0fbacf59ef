/** ADS over gRPC for clients of the suite's own: independent of the proxy's client. */
import { Client, credentials } from '@grpc/grpc-js';
import type { OpenAdsStream } from '#api/ads-stream.ts';
import { DiscoveryRequest, DiscoveryResponse } from '#envoy';

const METHOD = '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources';

/** target: `127.0.0.1:15010`. */
export const grpcAds =
  (target: string): OpenAdsStream =>
  (events) => {
    const client = new Client(target, credentials.createInsecure());
    const call = client.makeBidiStreamRequest<DiscoveryRequest, DiscoveryResponse>(
      METHOD,
      (request) => Buffer.from(DiscoveryRequest.encode(request).finish()),
      (bytes) => DiscoveryResponse.decode(bytes),
    );
    call.on('data', (response: DiscoveryResponse) => events.response(response));
    call.on('error', (error) => events.ended(error.message));
    call.on('end', () => events.ended(''));
    return {
      send: (request) => void call.write(request),
      close: () => {
        call.cancel();
        client.close();
      },
    };
  };
