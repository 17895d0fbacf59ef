/**
 * What a gateway passes on as it comes: TCP, and TLS that it does not end (`PASSTHROUGH`), told apart by the name that clients ask for. Pure.
 * Source: istio pilot/pkg/networking/core gateway.go.
 */
import { FilterChain, Listener } from '#envoy';
import { passesOn } from '../../resources/gateway.ts';
import { socketAddress } from '../endpoints/endpoints.ts';
import { boundVirtualServices, isFor, type RouteView, sourceMetadata } from '../routes/route-view.ts';
import { type ConnectionChain, distinct, proxyTo } from './connection-routes.ts';
import { type OpenServer, openHosts, openServers } from './gateway-servers.ts';
import { direction, tlsInspector } from './listener-parts.ts';

/** One listener a port. taken: ports that speak HTTP, which keep them. A port that nobody's rules lead on from is not opened. */
export const gatewayConnections = (view: Omit<RouteView, 'gateway'>, taken: readonly number[]): Listener[] => {
  const chains = new Map<number, ConnectionChain[]>();
  for (const opened of openServers(view.mesh, view.proxy)) {
    const kind = passesOn(opened.server);
    if (kind === undefined || taken.includes(opened.number)) continue;
    const own: RouteView = { ...view, gateway: opened.gateway };
    const led = kind === 'tcp' ? tcpChains(own, opened) : namedChains(own, opened);
    chains.set(opened.number, [...(chains.get(opened.number) ?? []), ...led]);
  }
  return [...chains].filter(([, led]) => led.length > 0).map(([number, led]) => listenerOf(view.proxy.ip, number, distinct(led)));
};

/** The first rule that is for the port takes all of it. */
const tcpChains = (view: RouteView, { number, hosts }: OpenServer): ConnectionChain[] => {
  for (const stored of boundVirtualServices(view, 'tcp')) {
    if (openHosts(stored, hosts).length === 0) continue;
    for (const [index, rule] of (stored.resource.spec.tcp ?? []).entries()) {
      const isMine =
        !rule.match?.length || rule.match.some((match) => isAtGateway(view, match, stored.resource.metadata.namespace, number));
      if (!isMine || !rule.route?.length) continue;
      const metadata = sourceMetadata(stored, stored, `spec.tcp[${index}]`);
      return [{ filters: [proxyTo(view, { stored, rule }, number)], metadata }];
    }
  }
  return [];
};

const namedChains = (view: RouteView, { number, hosts }: OpenServer): ConnectionChain[] =>
  boundVirtualServices(view, 'tls')
    .filter((stored) => openHosts(stored, hosts).length > 0)
    .flatMap((stored) =>
      (stored.resource.spec.tls ?? []).flatMap((rule, index) =>
        (rule.match ?? [])
          .filter((match) => rule.route?.length && isAtGateway(view, match, stored.resource.metadata.namespace, number))
          .map((match) => ({
            match: { serverNames: [...(match.sniHosts ?? [])] },
            filters: [proxyTo(view, { stored, rule }, number)],
            metadata: sourceMetadata(stored, stored, `spec.tls[${index}]`),
          })),
      ),
    );

/** Who calls is not known there, so conditions on callers' labels and namespaces are not looked at. */
const isAtGateway = (
  view: RouteView,
  { port, gateways }: Pick<Parameters<typeof isFor>[0], 'port' | 'gateways'>,
  namespace: string,
  number: number,
): boolean => isFor({ ...(port && { port }), ...(gateways && { gateways }) }, view, namespace, number);

const listenerOf = (ip: string, number: number, chains: readonly ConnectionChain[]): Listener => {
  const name = `0.0.0.0_${number}`;
  return Listener.fromPartial({
    name,
    address: socketAddress(ip, number),
    listenerFilters: chains.some(({ match }) => match?.serverNames) ? [tlsInspector()] : [],
    filterChains: chains.map(({ match, filters, metadata }, index) =>
      FilterChain.fromPartial({
        name: `${name}_${index}`,
        filters: [...filters],
        ...(match && { filterChainMatch: match }),
        ...(metadata && { metadata }),
      }),
    ),
    ...direction('outbound'),
  });
};
