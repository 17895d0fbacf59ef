/**
 * `tcp` and `tls` rules of VirtualServices → which connections go to which clusters. Pure.
 * Source: istio pilot/pkg/networking/core tls.go and networkfilter.go. What can be decided here, once, is: only names (SNI) and addresses are left to the proxy.
 */
import { outboundClusterName } from '#api/names.ts';
import type { Filter, FilterChainMatch, Metadata } from '#envoy';
import { ipFamily } from '#system/ip.ts';
import { hostCovers, resolveHost } from '../../mesh/hostnames.ts';
import type { MeshService, ServicePort, StoredVirtualService } from '../../mesh/mesh.ts';
import { durationMs } from '../../resources/checks.ts';
import type { Destination, VirtualServiceSpec } from '../../resources/virtual-service.ts';
import { toDuration } from '../pack.ts';
import { clusterOf } from '../routes/destinations.ts';
import { boundVirtualServices, isFor, type RouteView, sourceMetadata } from '../routes/route-view.ts';
import { tcpProxy } from './listener-parts.ts';

/** Connections of one kind, and what becomes of them. match absent: all others. */
export interface ConnectionChain {
  readonly match?: Partial<FilterChainMatch>;
  readonly filters: readonly Filter[];
  readonly metadata?: Metadata;
}

type TcpRule = NonNullable<VirtualServiceSpec['tcp']>[number];
type Routes = NonNullable<TcpRule['route']>;

interface Written<R> {
  readonly stored: StoredVirtualService;
  readonly rule: R;
  readonly path: string;
}

/** Chains of a service's port that carries no HTTP. A TLS port without a rule is told by its host's name where its address does not tell it. */
export const connectionChains = (view: RouteView, service: MeshService, port: ServicePort): ConnectionChain[] => {
  if (!port.isTls) return [...tcpChains(view, service, port)];
  const ruled = tlsChains(view, service, port);
  if (ruled.length > 0) return ruled;
  return [{ ...plainChain(view, service, port), ...(service.vip === undefined && { match: { serverNames: [service.hostname] } }) }];
};

const plainChain = (view: RouteView, { hostname }: MeshService, { number }: ServicePort): ConnectionChain => {
  const cluster = outboundClusterName(number, '', hostname);
  return { filters: [tcpProxy(cluster, { ...lifeOf(view, hostname), hashPolicy: sourceHash(view, hostname, '') })] };
};

/** All VirtualServices for the host count, oldest first; the same names and addresses once. */
const tlsChains = (view: RouteView, service: MeshService, port: ServicePort): ConnectionChain[] => {
  const chains = rulesFor(view, service, 'tls', ({ tls }) => tls).flatMap(({ stored, rule, path }) =>
    (rule.match ?? []).flatMap((match, index) => {
      if (!isFor(match, view, stored.resource.metadata.namespace, port.number)) return [];
      return [
        {
          match: { serverNames: [...(match.sniHosts ?? [])], ...rangesOf(match.destinationSubnets) },
          filters: [proxyTo(view, { stored, rule }, port.number)],
          metadata: sourceMetadata(stored, stored, `${path}.match[${index}]`),
        },
      ];
    }),
  );
  return distinct(chains);
};

/** Rules that want certain addresses come first; the first that wants none takes the rest, or else the service does. */
const tcpChains = function* (view: RouteView, service: MeshService, port: ServicePort): Generator<ConnectionChain> {
  for (const written of rulesFor(view, service, 'tcp', ({ tcp }) => tcp)) {
    const { stored, rule, path } = written;
    const chain = { filters: [proxyTo(view, written, port.number)], metadata: sourceMetadata(stored, stored, path) };
    const matches = (rule.match ?? []).filter((match) => isFor(match, view, stored.resource.metadata.namespace, port.number));
    if (!rule.match?.length || matches.some(({ destinationSubnets }) => !destinationSubnets?.length)) {
      yield chain;
      return;
    }
    const subnets = matches.flatMap(({ destinationSubnets = [] }) => destinationSubnets);
    if (subnets.length > 0) yield { ...chain, match: rangesOf(subnets) };
  }
  yield plainChain(view, service, port);
};

/** kind: where VirtualServices have them. */
const rulesFor = <R extends { readonly route?: Routes }>(
  view: RouteView,
  { hostname }: MeshService,
  kind: 'tcp' | 'tls',
  rulesOf: (spec: VirtualServiceSpec) => readonly R[] | undefined,
): Written<R>[] =>
  boundVirtualServices(view, kind)
    .filter(({ resource: { spec, metadata } }) =>
      (spec.hosts ?? []).some((host) => hostCovers(resolveHost(host, metadata.namespace), hostname)),
    )
    .flatMap((stored) => (rulesOf(stored.resource.spec) ?? []).map((rule, index) => ({ stored, rule, path: `spec.${kind}[${index}]` })))
    .filter(({ rule }) => (rule.route?.length ?? 0) > 0);

/** A proxy refuses a listener in which two chains are for the same connections: the first takes them. */
export const distinct = (chains: readonly ConnectionChain[]): ConnectionChain[] => {
  const keys = chains.map(({ match }) => JSON.stringify(match ?? {}));
  return chains.filter((_, index) => keys.indexOf(keys[index] ?? '') === index);
};

const rangesOf = (subnets: readonly string[] | undefined): Partial<FilterChainMatch> => {
  if (!subnets?.length) return {};
  return {
    prefixRanges: subnets.map((subnet) => {
      const [addressPrefix = '', length] = subnet.split('/');
      return { addressPrefix, prefixLen: length === undefined ? (ipFamily(addressPrefix) === 6 ? 128 : 32) : Number(length) };
    }),
  };
};

/** Timeouts and the hash are those of the first destination's rule, whatever the others' say: the listener has them, not the cluster. */
export const proxyTo = (
  view: RouteView,
  { stored, rule }: Pick<Written<{ readonly route?: Routes }>, 'stored' | 'rule'>,
  listenerPort: number,
): Filter => {
  const { metadata } = stored.resource;
  const routes = rule.route ?? [];
  const findService = (hostname: string) => view.services.find((service) => service.hostname === hostname);
  const clusterFor = (destination: Destination | undefined): string =>
    clusterOf(destination ?? {}, { namespace: metadata.namespace, listenerPort, findService });
  const first = routes[0]?.destination;
  const host = resolveHost(first?.host ?? '', metadata.namespace);
  if (routes.length === 1)
    return tcpProxy(clusterFor(first), { ...lifeOf(view, host), hashPolicy: sourceHash(view, host, first?.subset ?? '') });
  const clusters = routes
    .filter(({ weight }) => (weight ?? 0) > 0)
    .map(({ destination, weight }) => ({ name: clusterFor(destination), weight: weight ?? 0 }));
  return tcpProxy(
    { statPrefix: `${metadata.name}.${metadata.namespace}`, clusters },
    { ...lifeOf(view, host), hashPolicy: sourceHash(view, host, '') },
  );
};

/** How long a connection may be idle, and live, by the rule of the host; ports and subsets have no say, as in Istio. */
const lifeOf = ({ ruleOf }: RouteView, host: string) => {
  const { idleTimeout, maxConnectionDuration } = ruleOf(host)?.trafficPolicy?.connectionPool?.tcp ?? {};
  return {
    ...(idleTimeout !== undefined && { idleTimeout: toDuration(durationMs(idleTimeout)) }),
    ...(maxConnectionDuration !== undefined && { maxDownstreamConnectionDuration: toDuration(durationMs(maxConnectionDuration)) }),
  };
};

/** Of a connection only the caller's address can be hashed. */
const sourceHash = ({ ruleOf }: RouteView, host: string, name: string) => {
  const { trafficPolicy, subsets = [] } = ruleOf(host) ?? {};
  const own = subsets.find((subset) => subset.name === name)?.trafficPolicy?.loadBalancer;
  const hash = (own ?? trafficPolicy?.loadBalancer)?.consistentHash;
  return hash?.useSourceIp ? [{ policySpecifier: { $case: 'sourceIp', value: {} } }] : [];
};
