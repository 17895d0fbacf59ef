/** `loadBalancer` → which endpoint of a cluster takes a call. Pure. Source: istio pilot/pkg/networking/core applyLoadBalancer. */
import { Cluster_LbPolicy } from '#envoy';
import type { MeshConfig } from '../../mesh/mesh.ts';
import { durationMs } from '../../resources/checks.ts';
import type { TrafficPolicy } from '../../resources/destination-rule.ts';
import { isDistributed } from '../endpoints/locality.ts';
import { toDuration } from '../pack.ts';
import type { Sections } from '../subsets.ts';

type LoadBalancer = NonNullable<TrafficPolicy['loadBalancer']>;
type ConsistentHash = NonNullable<LoadBalancer['consistentHash']>;

const POLICIES = {
  UNSPECIFIED: Cluster_LbPolicy.LEAST_REQUEST,
  LEAST_CONN: Cluster_LbPolicy.LEAST_REQUEST,
  LEAST_REQUEST: Cluster_LbPolicy.LEAST_REQUEST,
  ROUND_ROBIN: Cluster_LbPolicy.ROUND_ROBIN,
  RANDOM: Cluster_LbPolicy.RANDOM,
  PASSTHROUGH: Cluster_LbPolicy.CLUSTER_PROVIDED,
} as const;

/** Envoy's own default, which Istio writes. */
const RING_SIZE = 1024;

/** Policy of a cluster that has endpoints, and its settings. */
export const balancing = (policy: Sections) => {
  const hash = policy.loadBalancer?.consistentHash;
  if (hash) return hashing(hash);
  const lbPolicy = POLICIES[policy.loadBalancer?.simple ?? 'UNSPECIFIED'];
  const slowStartConfig = slowStartOf(policy.loadBalancer ?? {});
  if (!slowStartConfig) return { lbPolicy };
  if (lbPolicy === Cluster_LbPolicy.ROUND_ROBIN)
    return { lbPolicy, lbConfig: { $case: 'roundRobinLbConfig', value: { slowStartConfig } } as const };
  if (lbPolicy === Cluster_LbPolicy.LEAST_REQUEST)
    return { lbPolicy, lbConfig: { $case: 'leastRequestLbConfig', value: { slowStartConfig } } as const };
  return { lbPolicy };
};

/** A size of 0 means "not set"; without a word on the algorithm it is a ring. */
const hashing = ({ maglev, ringHash, minimumRingSize }: ConsistentHash) => {
  if (maglev) {
    const lbConfig = maglev.tableSize ? ({ $case: 'maglevLbConfig', value: { tableSize: maglev.tableSize } } as const) : undefined;
    return { lbPolicy: Cluster_LbPolicy.MAGLEV, ...(lbConfig && { lbConfig }) };
  }
  const size = ringHash ? ringHash.minimumRingSize : minimumRingSize || RING_SIZE;
  const lbConfig = size ? ({ $case: 'ringHashLbConfig', value: { minimumRingSize: size } } as const) : undefined;
  return { lbPolicy: Cluster_LbPolicy.RING_HASH, ...(lbConfig && { lbConfig }) };
};

/** How long an endpoint that came new gets less than its share. `warmup` replaces the older `warmupDurationSecs`. */
const slowStartOf = ({ warmup, warmupDurationSecs }: LoadBalancer) => {
  if (warmup)
    return {
      ...(warmup.duration !== undefined && { slowStartWindow: toDuration(durationMs(warmup.duration)) }),
      // The key is istiod's; no runtime overrides it.
      aggression: { defaultValue: warmup.aggression ?? 1, runtimeKey: '(' },
      minWeightPercent: { value: warmup.minimumPercent ?? 10 },
    };
  return warmupDurationSecs === undefined ? undefined : { slowStartWindow: toDuration(durationMs(warmupDurationSecs)) };
};

/**
 * Panic is off: when too few endpoints are well, calls go to those, and with none they fail. `minHealthPercent` sets the threshold below which ejected ones are called as well.
 * Weights of localities count only where a rule distributes or orders them: otherwise they would blunt policies like least request.
 */
export const sharedBalancing = (policy: Sections, { localityLbSetting }: MeshConfig) => ({
  healthyPanicThreshold: { value: policy.outlierDetection?.minHealthPercent ?? 0 },
  ...(isDistributed(policy, localityLbSetting) && { localityConfigSpecifier: { $case: 'localityWeightedLbConfig', value: {} } as const }),
});
