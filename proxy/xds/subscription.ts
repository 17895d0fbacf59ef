/** What this proxy wants of one kind and what it has: pure state, from which the next request follows. */
import { type Kind, TYPE_URLS } from '#api/kinds.ts';
import { DiscoveryRequest, type Node } from '#envoy';

/** gRPC's INVALID_ARGUMENT, the code of every NACK. */
const INVALID_ARGUMENT = 3;

/** One kind's standing on one stream. */
export interface Subscription {
  readonly kind: Kind;
  /** Undefined: all there are (CDS and LDS). */
  readonly names: ReadonlySet<string> | undefined;
  /** Last accepted version; survives the stream. */
  readonly version: string;
  /** Nonce of the last response on this stream, accepted or not. */
  readonly nonce: string;
}

/** Nothing asked yet. */
export const newSubscription = (kind: Kind): Subscription => ({
  kind,
  names: kind === 'cds' || kind === 'lds' ? undefined : new Set(),
  version: '',
  nonce: '',
});

/** The same wishes and version on a new stream. */
export const onNewStream = (subscription: Subscription): Subscription => ({ ...subscription, nonce: '' });

/**
 * The request that says where the subscription stands.
 *
 * node: only on the first request of a stream. refusal: makes it a NACK of the response that `subscription.nonce` names.
 */
export const requestOf = (subscription: Subscription, extra: { readonly node?: Node; readonly refusal?: string } = {}): DiscoveryRequest =>
  DiscoveryRequest.fromPartial({
    typeUrl: TYPE_URLS[subscription.kind],
    versionInfo: subscription.version,
    responseNonce: subscription.nonce,
    resourceNames: [...(subscription.names ?? [])].sort(),
    ...(extra.node && { node: extra.node }),
    ...(extra.refusal !== undefined && { errorDetail: { code: INVALID_ARGUMENT, message: extra.refusal, details: [] } }),
  });

/** Whether two wishes are the same. */
export const sameNames = (left: ReadonlySet<string> | undefined, right: ReadonlySet<string>): boolean =>
  left !== undefined && left.size === right.size && [...left].every((name) => right.has(name));
