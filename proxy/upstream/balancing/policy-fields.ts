/** Fields that the older and the newer way to name a policy share. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import { durationMs } from '#api/units.ts';
import type { Cluster, LocalityLbConfig, SlowStartConfig } from '#envoy';
import type { HashedBy } from '../balancers/hash-table.ts';
import type { SlowStart } from '../balancers/slow-start.ts';

/** What of a cluster's discovery balancing depends on. */
export type DiscoveryKind = 'static' | 'strict-dns' | 'eds' | 'original-dst';

/** How localities count, and what panic means. */
export interface LocalityRules {
  readonly localityWeighted: boolean;
  /** In panic nobody is picked. */
  readonly failsInPanic: boolean;
}

const RING = { minSize: 1024, maxSize: 8_388_608 } as const;
const TABLE_SIZE = 65_537;
const MOST_TABLE_SIZE = 5_000_011;
const MIN_WARMTH_PERCENT = 10;

/** Proto name of a field. */
export const fieldName = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Throws ConfigError: there must be two to choose from. */
export const compileChoices = (count: number | undefined): number => {
  const choices = count ?? 2;
  if (choices < 2) throw new ConfigError('choice_count', 'must be at least 2');
  return choices;
};

type RuntimeDouble = NonNullable<SlowStartConfig['aggression']>;

/** What is not above 0 counts as 1. (Envoy 1.40) */
const aggressionOf = (value: number): number => (value > 0 ? value : 1);

/** Undefined = 1. What is below 0 counts as 1. (Envoy 1.40) */
export const compileBias = (bias: RuntimeDouble | undefined): number =>
  bias === undefined || !(bias.defaultValue >= 0) ? 1 : bias.defaultValue;

/** Undefined where nobody warms up. */
export const compileSlowStart = (config: SlowStartConfig | undefined): SlowStart | undefined => {
  if (!config) return undefined;
  return inField('slow_start_config', () => {
    refuseUnsupported(config, { read: ['slowStartWindow', 'aggression', 'minWeightPercent'] });
    const windowMs = durationMs(config.slowStartWindow) ?? 0;
    if (windowMs <= 0) return undefined;
    const percent = config.minWeightPercent?.value ?? MIN_WARMTH_PERCENT;
    if (percent < 0 || percent > 100) throw new ConfigError('min_weight_percent', 'must be between 0 and 100');
    return { windowMs, aggression: aggressionOf(config.aggression?.defaultValue ?? 1), minShare: percent / 100 };
  });
};

/** Throws ConfigError when no ring could be of that size. */
export const compileRing = (minimum: number | undefined, maximum: number | undefined): { minSize: number; maxSize: number } => {
  const [minSize, maxSize] = [minimum ?? RING.minSize, maximum ?? RING.maxSize];
  for (const [field, size] of Object.entries({ minimum_ring_size: minSize, maximum_ring_size: maxSize }))
    if (size > RING.maxSize) throw new ConfigError(field, `must be at most ${RING.maxSize}`);
  if (minSize > maxSize) throw new ConfigError('maximum_ring_size', `${maxSize} is less than minimum_ring_size ${minSize}`);
  return { minSize, maxSize };
};

const isPrime = (value: number): boolean => {
  for (let divisor = 2; divisor * divisor <= value; divisor++) if (value % divisor === 0) return false;
  return value > 1;
};

/** Throws ConfigError: only of a prime number of places every host reaches all. */
export const compileTable = (size: number | undefined): number => {
  const places = size ?? TABLE_SIZE;
  if (places > MOST_TABLE_SIZE) throw new ConfigError('table_size', `must be at most ${MOST_TABLE_SIZE}`);
  if (places < 3 || !isPrime(places)) throw new ConfigError('table_size', 'must be a prime number');
  return places;
};

type CommonLbConfig = NonNullable<Cluster['commonLbConfig']>;

/** What balancers that hash have in common. */
export interface HashingRules {
  readonly by: HashedBy;
  /** Undefined where nothing bounds a host's load. */
  readonly loadPercent: number | undefined;
}

const LEAST_LOAD_PERCENT = 100;

/** Throws ConfigError with a path relative to the message that has it. */
export const compileHashing = (config: CommonLbConfig['consistentHashingLbConfig']): HashingRules => {
  if (!config) return { by: 'address', loadPercent: undefined };
  return inField('consistent_hashing_lb_config', () => {
    refuseUnsupported(config, { read: ['useHostnameForHashing', 'hashBalanceFactor'] });
    return { by: config.useHostnameForHashing ? 'hostname' : 'address', loadPercent: compileLoadPercent(config.hashBalanceFactor) };
  });
};

/** Undefined where nothing bounds a host's load. */
export const compileLoadPercent = (factor: number | undefined): number | undefined => {
  if (factor !== undefined && factor < LEAST_LOAD_PERCENT)
    throw new ConfigError('hash_balance_factor', `must be at least ${LEAST_LOAD_PERCENT}`);
  return factor;
};

type LocalitySpecifier = CommonLbConfig['localityConfigSpecifier'] | LocalityLbConfig['localityConfigSpecifier'];

/** Routing by zone must be off: then all that is left of it is what panic means. */
export const compileLocalities = (specifier: LocalitySpecifier): LocalityRules => {
  if (specifier?.$case !== 'zoneAwareLbConfig') return { localityWeighted: specifier !== undefined, failsInPanic: false };
  const zones = specifier.value;
  return inField('zone_aware_lb_config', () => {
    refuseUnsupported(zones, { read: ['failTrafficOnPanic', 'routingEnabled'] });
    if (zones.routingEnabled?.value !== 0) throw new ConfigError('routing_enabled', 'zone-aware routing is not supported by this proxy');
    return { localityWeighted: false, failsInPanic: zones.failTrafficOnPanic };
  });
};
