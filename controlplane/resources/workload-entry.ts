/** WorkloadEntry: one instance that does not announce itself. Source: istio.io/api networking/v1 workload_entry.proto. */
import { mapOf, object, str, uint } from './shape.ts';

/** The fields that a WorkloadEntry's spec may have. */
export const workloadEntryShape = object({
  address: str,
  ports: mapOf(uint),
  labels: mapOf(str),
  network: str,
  locality: str,
  weight: uint,
  serviceAccount: str,
});

/** A WorkloadEntry as people write it. */
export type WorkloadEntrySpec = ReturnType<typeof workloadEntryShape.typeOf>;
