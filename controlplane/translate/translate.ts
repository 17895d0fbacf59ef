/** The one entry: (Mesh, ProxyNode) → resources. Pure; these two are all the inputs. */

import { outboundClusterName } from '#api/names.ts';
import type { ClusterLoadAssignment } from '#envoy';
import type { Mesh, MeshService, ProxyNode } from '../mesh/mesh.ts';
import { isVisible } from '../mesh/visibility.ts';
import { inboundCluster, isPassthrough, outboundClusters, standingClusters } from './clusters/outbound-clusters.ts';
import { endpointsOf, toLoadAssignment } from './endpoints/endpoints.ts';
import { gatewayResources } from './listeners/gateway-listeners.ts';
import { inboundListeners, inboundPorts } from './listeners/inbound-listeners.ts';
import { httpPorts, outboundListeners } from './listeners/outbound-listeners.ts';
import { proxylessResources } from './proxyless.ts';
import { sidecarRoutes } from './routes/routes.ts';
import { type EffectiveRule, effectiveRule, policyFor } from './subsets.ts';
import type { TranslatedResources } from './translated-resources.ts';

/** What this proxy's listeners, routes, clusters and endpoints are, given the whole mesh. */
export const translate = (mesh: Mesh, proxy: ProxyNode): TranslatedResources => {
  const services = mesh.services.filter((service) => isVisible(service.exportTo, service.namespace, proxy.namespace));
  const rules = services.map((service) => ({ service, rule: effectiveRule(mesh, service, proxy.namespace) }));
  const outbound = rules.flatMap((known) => outboundClusters(mesh, proxy, known));
  const endpoints = rules.flatMap(({ service, rule }) => loadAssignments(mesh, service, rule));
  if (proxy.type === 'router')
    return { clusters: [...outbound, ...standingClusters()], endpoints, ...gatewayResources(mesh, proxy, services) };
  if (proxy.isProxyless) return proxylessResources({ mesh, proxy, services, gateway: 'mesh' }, { clusters: outbound, endpoints });
  const inbound = inboundPorts(mesh, proxy).map(({ number, appPort }) => inboundCluster(number, appPort));
  return {
    clusters: [...outbound, ...inbound, ...standingClusters()],
    endpoints,
    listeners: [...outboundListeners(mesh, proxy, services), ...inboundListeners(mesh, proxy)],
    routes: httpPorts(services).map((port) => sidecarRoutes({ mesh, proxy, services, gateway: 'mesh' }, port)),
  };
};

const loadAssignments = (mesh: Mesh, service: MeshService, rule: EffectiveRule): ClusterLoadAssignment[] => {
  if (service.discovery !== 'selected' && service.discovery !== 'listed') return [];
  return service.ports.flatMap((port) =>
    [undefined, ...rule.subsets]
      .filter((subset) => !isPassthrough(service, policyFor(rule.trafficPolicy, subset?.trafficPolicy, port.number)))
      .map((subset) =>
        toLoadAssignment(
          outboundClusterName(port.number, subset?.name ?? '', service.hostname),
          endpointsOf(mesh, service, port, subset?.labels ?? {}),
        ),
      ),
  );
};
