/** Endpoints in their groups → ClusterLoadAssignment. Pure. */
import { ClusterLoadAssignment } from '#envoy';
import { socketAddress } from './endpoints.ts';
import type { LocalityGroup } from './locality.ts';

/** By it proxies choose how to reach an endpoint. */
const MUTUAL = { filterMetadata: { 'envoy.transport_socket_match': { tlsMode: 'istio' } } };

/** A group without endpoints stays: its priority and share are its locality's all the same. */
export const toLoadAssignment = (clusterName: string, groups: readonly LocalityGroup[]): ClusterLoadAssignment =>
  ClusterLoadAssignment.fromPartial({
    clusterName,
    endpoints: groups.map(({ locality, endpoints, weight, priority }) => ({
      locality,
      lbEndpoints: endpoints.map(({ address, port, weight: own, isMutual }) => ({
        hostIdentifier: { $case: 'endpoint', value: { address: socketAddress(address, port) } } as const,
        loadBalancingWeight: own,
        ...(isMutual && { metadata: MUTUAL }),
      })),
      loadBalancingWeight: weight,
      priority,
    })),
  });
