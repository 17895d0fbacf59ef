/** Who stands behind a cluster → ClusterLoadAssignment. Pure. */
import { ClusterLoadAssignment } from '#envoy';
import { selects } from '../mesh/labels.ts';
import type { Mesh, MeshService, ServicePort } from '../mesh/mesh.ts';

/** One address behind a service. */
export interface ServiceEndpoint {
  readonly address: string;
  readonly port: number;
  readonly weight: number;
}

/** subset: labels that an endpoint must have; empty = all endpoints. */
export const endpointsOf = (
  mesh: Mesh,
  service: MeshService,
  port: ServicePort,
  subset: Readonly<Record<string, string>>,
): ServiceEndpoint[] => {
  const inSubset = (labels: Readonly<Record<string, string>>) => Object.keys(subset).length === 0 || selects(subset, labels);
  if (service.discovery !== 'selected') {
    return service.endpoints
      .filter(({ labels }) => inSubset(labels))
      .map(({ address, weight, ports }) => ({ address, weight, port: ports[port.name] ?? port.targetPort }));
  }
  return mesh.workloads
    .filter(
      (workload) => workload.type === 'sidecar' && workload.namespace === service.namespace && selects(service.selector, workload.labels),
    )
    .filter(({ labels }) => inSubset(labels))
    .map(({ address }) => ({ address, weight: 1, port: port.targetPort }));
};

/** In address order, so that the same endpoints make the same message. */
export const toLoadAssignment = (clusterName: string, endpoints: readonly ServiceEndpoint[]): ClusterLoadAssignment => {
  const sorted = [...endpoints].sort((a, b) => (a.address === b.address ? a.port - b.port : a.address < b.address ? -1 : 1));
  const lbEndpoints = sorted.map(({ address, port, weight }) => ({
    hostIdentifier: { $case: 'endpoint', value: { address: socketAddress(address, port) } } as const,
    loadBalancingWeight: weight,
  }));
  const assignment = {
    clusterName,
    endpoints: lbEndpoints.length === 0 ? [] : [{ lbEndpoints, loadBalancingWeight: sorted.reduce((sum, { weight }) => sum + weight, 0) }],
  };
  return ClusterLoadAssignment.fromPartial(assignment);
};

/** Address of a TCP socket, in Envoy's form. */
export const socketAddress = (address: string, port: number) =>
  ({ address: { $case: 'socketAddress', value: { address, portSpecifier: { $case: 'portValue', value: port } } } }) as const;
