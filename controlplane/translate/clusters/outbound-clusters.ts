/** Services and their subsets → clusters. Pure. Defaults are Istio's: least request, 10 s to connect, no limits, no panic. */
import { outboundClusterName } from '#api/names.ts';
import { Cluster, Cluster_DiscoveryType } from '#envoy';
import type { Mesh, MeshService } from '../../mesh/mesh.ts';
import { ADS } from '../config-source.ts';
import { endpointsOf } from '../endpoints/endpoints.ts';
import { toLoadAssignment } from '../endpoints/load-assignment.ts';
import { arrange, byLocality } from '../endpoints/locality.ts';
import { toDuration } from '../pack.ts';
import { type EffectiveRule, policyFor } from '../subsets.ts';
import { type Caller, isPassthrough, type OutboundInput } from './cluster-input.ts';
import { connectionSettings } from './connection-pool.ts';
import { balancing, sharedBalancing } from './load-balancer.ts';
import { outlierDetectionOf } from './outlier-detection.ts';
import { sourceMetadata } from './source-metadata.ts';
import { ORIGINAL_DESTINATION } from './standing-clusters.ts';
import { transportSecurity } from './transport-security.ts';

/** The cluster of each port, and of each subset of it, as that proxy reaches it. */
export const outboundClusters = (mesh: Mesh, caller: Caller, { service, rule }: { service: MeshService; rule: EffectiveRule }): Cluster[] =>
  service.ports.flatMap((port) =>
    [undefined, ...rule.subsets].map((subset) => {
      const name = outboundClusterName(port.number, subset?.name ?? '', service.hostname);
      const policy = policyFor(rule.trafficPolicy, subset?.trafficPolicy, port.number);
      const source = subset?.source ?? rule.source;
      return outboundCluster({ mesh, caller, service, port, name, labels: subset?.labels ?? {}, policy, source, subset: subset?.name });
    }),
  );

const outboundCluster = (input: OutboundInput): Cluster => {
  const { name, policy } = input;
  return Cluster.fromPartial({
    name,
    ...(isPassthrough(input.service, policy) ? ORIGINAL_DESTINATION : { ...discoveryOf(input), ...balancing(policy) }),
    ...(input.source && { metadata: sourceMetadata(input.source, input.subset) }),
    commonLbConfig: sharedBalancing(policy, input.mesh.config),
    ...(policy.outlierDetection && { outlierDetection: outlierDetectionOf(policy.outlierDetection) }),
    ...connectionSettings(policy, input.port.isGrpcAuthorizer ? 'always' : 'when asked'),
    ...transportSecurity(input),
  });
};

const discoveryOf = ({ mesh, caller, service, port, name, labels, policy }: OutboundInput) => {
  if (service.discovery !== 'dns')
    return {
      clusterDiscoveryType: { $case: 'type', value: Cluster_DiscoveryType.EDS } as const,
      edsClusterConfig: { edsConfig: ADS, serviceName: name },
    };
  return {
    clusterDiscoveryType: { $case: 'type', value: Cluster_DiscoveryType.STRICT_DNS } as const,
    dnsLookupFamily: 1 as const,
    dnsRefreshRate: toDuration(60_000),
    respectDnsTtl: true,
    loadAssignment: toLoadAssignment(
      name,
      arrange(byLocality(endpointsOf(mesh, service, port, labels)), caller, policy, mesh.config.localityLbSetting),
    ),
  };
};
