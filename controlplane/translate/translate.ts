/** The one entry: (Mesh, ProxyNode) → resources. Pure; these two are all the inputs. */

import { outboundClusterName } from '#api/names.ts';
import type { ClusterLoadAssignment } from '#envoy';
import type { Mesh, MeshService, ProxyNode } from '../mesh/mesh.ts';
import { isVisible } from '../mesh/visibility.ts';
import { isPassthrough } from './clusters/cluster-input.ts';
import { inboundCluster } from './clusters/inbound-clusters.ts';
import { outboundClusters } from './clusters/outbound-clusters.ts';
import { standingClusters } from './clusters/standing-clusters.ts';
import { endpointsOf } from './endpoints/endpoints.ts';
import { toLoadAssignment } from './endpoints/load-assignment.ts';
import { arrange, byLocality } from './endpoints/locality.ts';
import { withEnvoyFilters } from './envoy-filters/apply-patches.ts';
import { gatewayResources } from './listeners/gateway-listeners.ts';
import { inboundListeners, inboundPorts } from './listeners/inbound-listeners.ts';
import { httpPorts, outboundListeners } from './listeners/outbound-listeners.ts';
import { proxylessResources } from './proxyless.ts';
import { sidecarRoutes } from './routes/routes.ts';
import { type EffectiveRule, effectiveRule, policyFor } from './subsets.ts';
import type { TranslatedResources } from './translated-resources.ts';

/** A service that the proxy may call, and the rule by which it does. */
interface KnownService {
  readonly service: MeshService;
  readonly rule: EffectiveRule;
}

/** What this proxy's listeners, routes, clusters and endpoints are, given the whole mesh. */
export const translate = (mesh: Mesh, proxy: ProxyNode): TranslatedResources => withEnvoyFilters(mesh, proxy, translated(mesh, proxy));

const translated = (mesh: Mesh, proxy: ProxyNode): TranslatedResources => {
  const services = mesh.services.filter((service) => isVisible(service.exportTo, service.namespace, proxy.namespace));
  const rules = services.map((service) => ({ service, rule: effectiveRule(mesh, service, proxy) }));
  const byHost = new Map(rules.map(({ service, rule }) => [service.hostname, rule]));
  const ruleOf = (hostname: string) => byHost.get(hostname);
  const outbound = rules.flatMap((known) => outboundClusters(mesh, proxy, known));
  const endpoints = rules.flatMap(({ service, rule }) => loadAssignments(mesh, proxy, { service, rule }));
  if (proxy.type === 'router')
    return { clusters: [...outbound, ...standingClusters()], endpoints, ...gatewayResources({ mesh, proxy, services, ruleOf }) };
  if (proxy.isProxyless) return proxylessResources({ mesh, proxy, services, ruleOf, gateway: 'mesh' }, { clusters: outbound, endpoints });
  const inbound = inboundPorts(mesh, proxy).map((port) => inboundCluster(port, effectiveRule(mesh, port.service, proxy, 'server')));
  return {
    clusters: [...outbound, ...inbound, ...standingClusters()],
    endpoints,
    listeners: [...outboundListeners({ mesh, proxy, services, ruleOf, gateway: 'mesh' }), ...inboundListeners(mesh, proxy)],
    routes: httpPorts(services).map((port) => sidecarRoutes({ mesh, proxy, services, ruleOf, gateway: 'mesh' }, port)),
  };
};

const loadAssignments = (mesh: Mesh, proxy: ProxyNode, { service, rule }: KnownService): ClusterLoadAssignment[] => {
  if (service.discovery !== 'selected' && service.discovery !== 'listed') return [];
  return service.ports.flatMap((port) =>
    [undefined, ...rule.subsets].flatMap((subset) => {
      const policy = policyFor(rule.trafficPolicy, subset?.trafficPolicy, port.number);
      if (isPassthrough(service, policy)) return [];
      const groups = byLocality(endpointsOf(mesh, service, port, subset?.labels ?? {}));
      const name = outboundClusterName(port.number, subset?.name ?? '', service.hostname);
      return [toLoadAssignment(name, arrange(groups, proxy, policy, mesh.config.localityLbSetting))];
    }),
  );
};
