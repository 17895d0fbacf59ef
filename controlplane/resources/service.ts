/** Kubernetes Service: a name, its ports, and which workloads stand behind it. Source: Kubernetes core/v1. */
import { anything, bool, int, listOf, mapOf, object, str } from './shape.ts';

/** The fields of a Service that this mesh reads; Kubernetes has many more, which a sidecar mesh does not need. */
export const serviceShape = object({
  selector: mapOf(str),
  ports: listOf(object({ name: str, port: int, protocol: str, targetPort: anything, appProtocol: str, nodePort: int })),
  clusterIP: str,
  clusterIPs: listOf(str),
  type: str,
  externalName: str,
  externalTrafficPolicy: str,
  internalTrafficPolicy: str,
  ipFamilies: listOf(str),
  ipFamilyPolicy: str,
  sessionAffinity: str,
  sessionAffinityConfig: anything,
  trafficDistribution: str,
  publishNotReadyAddresses: bool,
  externalIPs: listOf(str),
  loadBalancerIP: str,
  loadBalancerClass: str,
  loadBalancerSourceRanges: listOf(str),
  allocateLoadBalancerNodePorts: bool,
  healthCheckNodePort: int,
});

/** A Service as people write it. */
export type ServiceSpec = ReturnType<typeof serviceShape.typeOf>;
