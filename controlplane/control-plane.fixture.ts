/** A proxy that accepts everything it is sent, for tests that need no data plane. */
import type { OpenAdsStream } from '#api/ads-stream.ts';
import { type Kind, kindOf, TYPE_URLS } from '#api/kinds.ts';
import { ClusterLoadAssignment, DiscoveryRequest, type DiscoveryResponse, Node } from '#envoy';

/** Who the proxy says it is. */
export interface StandInOptions {
  readonly ip: string;
  readonly workload: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Clusters whose endpoints it asks for. */
  readonly endpointsOf?: readonly string[];
  /** What it says it has already; empty for a proxy that has just started. */
  readonly version?: string;
}

/** Its sidecar's routes. */
const TABLE = '9080';

/** Connects, subscribes to every kind, and acknowledges. */
export const standInProxy = (open: OpenAdsStream, { ip, workload, labels, endpointsOf = [], version = '' }: StandInOptions) => {
  const last = new Map<Kind, DiscoveryResponse>();
  const ends: string[] = [];
  const names: Partial<Record<Kind, readonly string[]>> = { eds: endpointsOf, rds: [TABLE] };
  const request = (kind: Kind, extra: Partial<DiscoveryRequest>): void =>
    stream.send(DiscoveryRequest.fromPartial({ typeUrl: TYPE_URLS[kind], resourceNames: [...(names[kind] ?? [])], ...extra }));
  const stream = open({
    response: (response) => {
      const kind = kindOf(response.typeUrl) ?? 'cds';
      last.set(kind, response);
      request(kind, { versionInfo: response.versionInfo, responseNonce: response.nonce });
    },
    ended: (reason) => ends.push(reason),
  });
  const id = `sidecar~${ip}~${workload}.default~default.svc.cluster.local`;
  request('cds', { versionInfo: version, node: Node.fromPartial({ id, metadata: { LABELS: labels, APP_PORTS: '{"9080":40000}' } }) });
  for (const kind of ['eds', 'lds', 'rds'] as const) request(kind, { versionInfo: version });
  return {
    stream,
    ends,
    version: (kind: Kind): string => last.get(kind)?.versionInfo ?? '',
    /** `address:port` of every endpoint that it was told of. */
    endpoints: (): string[] =>
      (last.get('eds')?.resources ?? [])
        .map(({ value }) => ClusterLoadAssignment.decode(value))
        .flatMap(({ endpoints }) => endpoints.flatMap(({ lbEndpoints }) => lbEndpoints))
        .map(({ hostIdentifier }) => {
          const address = hostIdentifier?.$case === 'endpoint' ? hostIdentifier.value.address?.address : undefined;
          if (address?.$case !== 'socketAddress' || address.value.portSpecifier?.$case !== 'portValue') return '';
          return `${address.value.address}:${address.value.portSpecifier.value}`;
        }),
  };
};
