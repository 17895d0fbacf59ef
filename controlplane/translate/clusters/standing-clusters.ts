/** Where unknown destinations go: nowhere, or wherever they wanted. Pure. */
import { BLACK_HOLE_CLUSTER, PASSTHROUGH_CLUSTER } from '#api/names.ts';
import { Cluster, Cluster_DiscoveryType, Cluster_LbPolicy } from '#envoy';
import { toDuration } from '../pack.ts';

/** A cluster without endpoints of its own. */
export const ORIGINAL_DESTINATION = {
  clusterDiscoveryType: { $case: 'type', value: Cluster_DiscoveryType.ORIGINAL_DST },
  lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
} as const;

/** Every proxy has them. */
export const standingClusters = (): Cluster[] => [
  Cluster.fromPartial({
    name: BLACK_HOLE_CLUSTER,
    clusterDiscoveryType: { $case: 'type', value: Cluster_DiscoveryType.STATIC },
    connectTimeout: toDuration(10_000),
    loadAssignment: { clusterName: BLACK_HOLE_CLUSTER },
  }),
  Cluster.fromPartial({ name: PASSTHROUGH_CLUSTER, ...ORIGINAL_DESTINATION, connectTimeout: toDuration(10_000) }),
];
