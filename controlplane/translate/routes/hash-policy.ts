/** `consistentHash` of a DestinationRule → what of a request is hashed: the cluster chooses by hash, but the route says of what. Pure. */
import type { RouteAction } from '#envoy';
import { durationMs } from '../../resources/checks.ts';
import type { TrafficPolicy } from '../../resources/destination-rule.ts';
import { toDuration } from '../pack.ts';

/** What endpoints of a host are chosen by. */
export type ConsistentHash = NonNullable<NonNullable<TrafficPolicy['loadBalancer']>['consistentHash']>;

type HashPolicy = RouteAction['hashPolicy'][number];

/** One policy, or none where the rule names no key. A cookie with a ttl is made when the request has none; a ttl of 0 makes one that ends with the session. */
export const hashPolicies = (hash: ConsistentHash | undefined): HashPolicy[] => {
  const specifier = hash && specifierOf(hash);
  return specifier ? [{ policySpecifier: specifier, terminal: false }] : [];
};

const specifierOf = (hash: ConsistentHash): HashPolicy['policySpecifier'] => {
  const { httpHeaderName, httpCookie, useSourceIp, httpQueryParameterName } = hash;
  if (httpHeaderName !== undefined) return { $case: 'header', value: { headerName: httpHeaderName } };
  if (httpCookie) return { $case: 'cookie', value: cookieOf(httpCookie) };
  if (useSourceIp !== undefined) return { $case: 'connectionProperties', value: { sourceIp: useSourceIp } };
  return httpQueryParameterName === undefined ? undefined : { $case: 'queryParameter', value: { name: httpQueryParameterName } };
};

const cookieOf = ({ name = '', path = '', ttl, attributes = [] }: NonNullable<ConsistentHash['httpCookie']>) => ({
  name,
  path,
  ...(ttl !== undefined && { ttl: toDuration(durationMs(ttl)) }),
  attributes: attributes.map((attribute) => ({ name: attribute.name ?? '', value: attribute.value ?? '' })),
});
