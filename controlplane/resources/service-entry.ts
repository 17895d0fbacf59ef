/** ServiceEntry: hosts that the registry would not know by itself. Source: istio.io/api networking/v1 service_entry.proto. */
import { listOf, mapOf, object, oneOf, str, uint } from './shape.ts';

const endpoint = object({
  address: str,
  ports: mapOf(uint),
  labels: mapOf(str),
  network: str,
  locality: str,
  weight: uint,
  serviceAccount: str,
});

/** The fields that a ServiceEntry's spec may have. */
export const serviceEntryShape = object({
  hosts: listOf(str),
  addresses: listOf(str),
  ports: listOf(object({ number: uint, name: str, protocol: str, targetPort: uint })),
  location: oneOf('MESH_EXTERNAL', 'MESH_INTERNAL'),
  resolution: oneOf('NONE', 'STATIC', 'DNS', 'DNS_ROUND_ROBIN'),
  endpoints: listOf(endpoint),
  workloadSelector: object({ labels: mapOf(str) }),
  exportTo: listOf(str),
  subjectAltNames: listOf(str),
});

/** A ServiceEntry as people write it. */
export type ServiceEntrySpec = ReturnType<typeof serviceEntryShape.typeOf>;
