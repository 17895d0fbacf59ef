/** One aggregated-discovery stream without its transport, so that gRPC and the simulated world are interchangeable and both state machines stay pure. */
import type { DiscoveryRequest, DiscoveryResponse } from '#envoy';

/** What the side that opened the stream is told. */
export interface AdsClientEvents {
  response(response: DiscoveryResponse): void;
  /** The stream is over; no further event comes. reason: the transport's words, empty on a clean end. */
  ended(reason: string): void;
}

/** The opener's end of a stream. */
export interface AdsStream {
  send(request: DiscoveryRequest): void;
  close(): void;
}

/** Opens a stream; never throws: a failed connection is an `ended`. */
export type OpenAdsStream = (events: AdsClientEvents) => AdsStream;
