/** How a cluster says that its hosts are picked. Generated messages end here. Source: config.cluster.v3.Cluster. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { Cluster } from '#envoy';
import type { BalancerPolicy } from '../balancers/policies.ts';
import { compileSubsets } from './compile-subsets.ts';
import {
  compileBias,
  compileChoices,
  compileHashing,
  compileLocalities,
  compileRing,
  compileSlowStart,
  compileTable,
  type DiscoveryKind,
  fieldName,
  type HashingRules,
  type LocalityRules,
} from './policy-fields.ts';
import type { SubsetRules } from './subsets.ts';
import { compileTypedPolicy } from './typed-policies.ts';

/** How hosts are picked. Frozen. */
export interface Balancing extends LocalityRules {
  readonly policy: BalancerPolicy;
  /** Percent; below this share of healthy hosts health is ignored; 0 = never. */
  readonly panicThreshold: number;
  readonly subsets: SubsetRules | undefined;
}

const POLICY = { roundRobin: 0, leastRequest: 1, ringHash: 2, random: 3, maglev: 5, clusterProvided: 6 } as const;
const DEFAULT_PANIC_PERCENT = 50;

const CONFIG_OF: Readonly<Record<number, string>> = {
  [POLICY.roundRobin]: 'roundRobinLbConfig',
  [POLICY.leastRequest]: 'leastRequestLbConfig',
  [POLICY.ringHash]: 'ringHashLbConfig',
  [POLICY.maglev]: 'maglevLbConfig',
};

const leastRequest = ({ lbConfig }: Cluster): BalancerPolicy => {
  const config = lbConfig?.$case === 'leastRequestLbConfig' ? lbConfig.value : undefined;
  if (!config) return { kind: 'least-request', choices: 2 };
  return inField('least_request_lb_config', () => {
    refuseUnsupported(config, { read: ['choiceCount', 'activeRequestBias', 'slowStartConfig'] });
    return {
      kind: 'least-request',
      choices: compileChoices(config.choiceCount),
      bias: compileBias(config.activeRequestBias),
      slowStart: compileSlowStart(config.slowStartConfig),
    };
  });
};

const roundRobin = ({ lbConfig }: Cluster): BalancerPolicy => {
  const config = lbConfig?.$case === 'roundRobinLbConfig' ? lbConfig.value : undefined;
  if (!config) return { kind: 'round-robin' };
  return inField('round_robin_lb_config', () => {
    refuseUnsupported(config, { read: ['slowStartConfig'] });
    return { kind: 'round-robin', slowStart: compileSlowStart(config.slowStartConfig) };
  });
};

const ringHash = ({ lbConfig }: Cluster, hashing: HashingRules): BalancerPolicy => {
  const config = lbConfig?.$case === 'ringHashLbConfig' ? lbConfig.value : undefined;
  return inField('ring_hash_lb_config', () => {
    if (config) refuseUnsupported(config, { read: ['minimumRingSize', 'maximumRingSize'] });
    return { kind: 'ring-hash', ...compileRing(config?.minimumRingSize, config?.maximumRingSize), ...hashing };
  });
};

const maglev = ({ lbConfig }: Cluster, hashing: HashingRules): BalancerPolicy => {
  const config = lbConfig?.$case === 'maglevLbConfig' ? lbConfig.value : undefined;
  return inField('maglev_lb_config', () => {
    if (config) refuseUnsupported(config, { read: ['tableSize'] });
    return { kind: 'maglev', tableSize: compileTable(config?.tableSize), ...hashing };
  });
};

const compilePolicy = (cluster: Cluster, kind: DiscoveryKind, hashing: HashingRules): BalancerPolicy => {
  const { lbPolicy, lbConfig } = cluster;
  if ((kind === 'original-dst') !== (lbPolicy === POLICY.clusterProvided))
    throw new ConfigError('lb_policy', 'CLUSTER_PROVIDED and type ORIGINAL_DST belong together');
  if (lbConfig && lbConfig.$case !== CONFIG_OF[lbPolicy])
    throw new ConfigError(fieldName(lbConfig.$case), 'does not fit lb_policy, or is not supported by this proxy');
  switch (lbPolicy) {
    case POLICY.leastRequest:
      return leastRequest(cluster);
    case POLICY.random:
      return { kind: 'random' };
    case POLICY.ringHash:
      return ringHash(cluster, hashing);
    case POLICY.maglev:
      return maglev(cluster, hashing);
    case POLICY.roundRobin:
    case POLICY.clusterProvided:
      return roundRobin(cluster);
    default:
      throw new ConfigError('lb_policy', 'not supported by this proxy');
  }
};

interface CommonRules extends LocalityRules {
  readonly panicThreshold: number;
  readonly hashing: HashingRules;
}

const compileCommon = ({ commonLbConfig: common }: Cluster, kind: DiscoveryKind): CommonRules => {
  if (!common)
    return { panicThreshold: DEFAULT_PANIC_PERCENT, localityWeighted: false, failsInPanic: false, hashing: compileHashing(undefined) };
  return inField('common_lb_config', () => {
    refuseUnsupported(common, {
      read: ['healthyPanicThreshold', 'localityConfigSpecifier', 'consistentHashingLbConfig'],
      ignored: ['updateMergeWindow', 'ignoreNewHostsUntilFirstHc'],
    });
    const percent = common.healthyPanicThreshold?.value ?? DEFAULT_PANIC_PERCENT;
    if (percent < 0 || percent > 100) throw new ConfigError('healthy_panic_threshold', 'must be between 0 and 100');
    const hashing = compileHashing(common.consistentHashingLbConfig);
    if (hashing.by === 'hostname' && kind !== 'strict-dns')
      throw new ConfigError('consistent_hashing_lb_config.use_hostname_for_hashing', 'is for clusters of type STRICT_DNS');
    return { panicThreshold: Math.round(percent), ...compileLocalities(common.localityConfigSpecifier), hashing };
  });
};

/** Where a cluster says it in the newer way, the older is not read, and must not say more. */
const refuseOlder = ({ lbSubsetConfig, commonLbConfig: common }: Cluster): void => {
  if (lbSubsetConfig) throw new ConfigError('lb_subset_config', 'cannot be combined with load_balancing_policy');
  const older = common?.localityConfigSpecifier?.$case ?? (common?.consistentHashingLbConfig && 'consistentHashingLbConfig');
  if (older) throw new ConfigError(`common_lb_config.${fieldName(older)}`, 'cannot be combined with load_balancing_policy');
};

/** Throws ConfigError with a path relative to the cluster. */
export const compileBalancing = (cluster: Cluster, kind: DiscoveryKind): Balancing => {
  const { hashing, ...common } = compileCommon(cluster, kind);
  const typed = cluster.loadBalancingPolicy;
  if (typed) {
    refuseOlder(cluster);
    const found = inField('load_balancing_policy', () => compileTypedPolicy(typed, kind));
    return { ...common, ...found, subsets: undefined };
  }
  const subsets = cluster.lbSubsetConfig;
  if (subsets && kind === 'original-dst') throw new ConfigError('lb_subset_config', 'cannot be combined with CLUSTER_PROVIDED');
  return {
    ...common,
    policy: compilePolicy(cluster, kind, hashing),
    subsets: subsets && inField('lb_subset_config', () => compileSubsets(subsets)),
  };
};
