/** Policies as extensions of their own. Source: config.cluster.v3.LoadBalancingPolicy, extensions.load_balancing_policies. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import {
  type Any,
  type Cluster,
  LeastRequestPolicy,
  type LocalityLbConfig,
  MaglevPolicy,
  type MessageFns,
  RandomPolicy,
  RingHashPolicy,
  RoundRobinPolicy,
} from '#envoy';
import type { BalancerPolicy } from '../balancers/policies.ts';
import {
  compileBias,
  compileChoices,
  compileHashing,
  compileLoadPercent,
  compileLocalities,
  compileRing,
  compileSlowStart,
  compileTable,
  type DiscoveryKind,
  type LocalityRules,
} from './policy-fields.ts';

/** A policy, with what it says of localities. */
export interface TypedPolicy extends LocalityRules {
  readonly policy: BalancerPolicy;
}

type Compile = (any: Any) => TypedPolicy;

const NO_LOCALITIES: LocalityRules = { localityWeighted: false, failsInPanic: false };

const decoded = <T>({ value, typeUrl }: Any, codec: Pick<MessageFns<T>, 'decode'>): T => {
  try {
    return codec.decode(value);
  } catch (cause) {
    throw new ConfigError('', `cannot be decoded as ${typeUrl}`, { cause });
  }
};

const localities = (config: LocalityLbConfig | undefined): LocalityRules =>
  config ? inField('locality_lb_config', () => compileLocalities(config.localityConfigSpecifier)) : NO_LOCALITIES;

const roundRobin: Compile = (any) => {
  const config = decoded(any, RoundRobinPolicy);
  refuseUnsupported(config, { read: ['slowStartConfig', 'localityLbConfig'] });
  return { policy: { kind: 'round-robin', slowStart: compileSlowStart(config.slowStartConfig) }, ...localities(config.localityLbConfig) };
};

const FULL_SCAN = 1;

const leastRequest: Compile = (any) => {
  const config = decoded(any, LeastRequestPolicy);
  refuseUnsupported(config, {
    read: ['choiceCount', 'activeRequestBias', 'slowStartConfig', 'localityLbConfig', 'enableFullScan', 'selectionMethod'],
  });
  const choices = compileChoices(config.choiceCount);
  return {
    policy: {
      kind: 'least-request',
      choices: config.selectionMethod === FULL_SCAN || config.enableFullScan ? 'all' : choices,
      bias: compileBias(config.activeRequestBias),
      slowStart: compileSlowStart(config.slowStartConfig),
    },
    ...localities(config.localityLbConfig),
  };
};

const random: Compile = (any) => {
  const config = decoded(any, RandomPolicy);
  refuseUnsupported(config, { read: ['localityLbConfig'] });
  return { policy: { kind: 'random' }, ...localities(config.localityLbConfig) };
};

const MURMUR_HASH_2 = 2;

const ringHash: Compile = (any) => {
  const config = decoded(any, RingHashPolicy);
  refuseUnsupported(config, {
    read: [
      'hashFunction',
      'minimumRingSize',
      'maximumRingSize',
      'useHostnameForHashing',
      'hashBalanceFactor',
      'consistentHashingLbConfig',
      'localityWeightedLbConfig',
    ],
  });
  if (config.hashFunction === MURMUR_HASH_2) throw new ConfigError('hash_function', 'MURMUR_HASH_2 is not supported by this proxy');
  const older = {
    by: config.useHostnameForHashing ? 'hostname' : 'address',
    loadPercent: compileLoadPercent(config.hashBalanceFactor),
  } as const;
  return {
    policy: {
      kind: 'ring-hash',
      ...compileRing(config.minimumRingSize, config.maximumRingSize),
      ...(config.consistentHashingLbConfig ? compileHashing(config.consistentHashingLbConfig) : older),
    },
    ...NO_LOCALITIES,
    localityWeighted: config.localityWeightedLbConfig !== undefined,
  };
};

const maglev: Compile = (any) => {
  const config = decoded(any, MaglevPolicy);
  refuseUnsupported(config, { read: ['tableSize', 'consistentHashingLbConfig', 'localityWeightedLbConfig'] });
  return {
    policy: { kind: 'maglev', tableSize: compileTable(config.tableSize), ...compileHashing(config.consistentHashingLbConfig) },
    ...NO_LOCALITIES,
    localityWeighted: config.localityWeightedLbConfig !== undefined,
  };
};

const clusterProvided: Compile = () => ({ policy: { kind: 'round-robin' }, ...NO_LOCALITIES });

const PREFIX = 'type.googleapis.com/envoy.extensions.load_balancing_policies.';
const CLUSTER_PROVIDED = `${PREFIX}cluster_provided.v3.ClusterProvided`;

const KNOWN: Readonly<Record<string, Compile>> = {
  [`${PREFIX}round_robin.v3.RoundRobin`]: roundRobin,
  [`${PREFIX}least_request.v3.LeastRequest`]: leastRequest,
  [`${PREFIX}random.v3.Random`]: random,
  [`${PREFIX}ring_hash.v3.RingHash`]: ringHash,
  [`${PREFIX}maglev.v3.Maglev`]: maglev,
  [CLUSTER_PROVIDED]: clusterProvided,
};

type LoadBalancingPolicy = NonNullable<Cluster['loadBalancingPolicy']>;

/** The first that is known here; who sends several means just that. Throws ConfigError with a path relative to the list's message. */
export const compileTypedPolicy = ({ policies }: LoadBalancingPolicy, kind: DiscoveryKind): TypedPolicy => {
  const types = policies.map(({ typedExtensionConfig }) => typedExtensionConfig?.typedConfig?.typeUrl ?? '');
  const index = types.findIndex((type) => Object.hasOwn(KNOWN, type));
  const any = policies[index]?.typedExtensionConfig?.typedConfig;
  const compile = KNOWN[types[index] ?? ''];
  if (!any || !compile) throw new ConfigError('policies', `none is supported by this proxy: ${types.join(', ') || 'the list is empty'}`);
  return inField(`policies[${index}].typed_extension_config.typed_config`, () => {
    if ((kind === 'original-dst') !== (any.typeUrl === CLUSTER_PROVIDED))
      throw new ConfigError('', 'ClusterProvided and type ORIGINAL_DST belong together');
    return compile(any);
  });
};
