/** LbSubsetConfig → how a cluster's hosts fall into groups. Source: config.cluster.v3.Cluster.LbSubsetConfig. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { Cluster } from '#envoy';
import { criteriaOf, type SubsetFallback, type SubsetRules, type SubsetSelector } from './subsets.ts';

type LbSubsetConfig = NonNullable<Cluster['lbSubsetConfig']>;
type LbSubsetSelector = LbSubsetConfig['subsetSelectors'][number];

const FALLBACKS: Readonly<Record<number, SubsetFallback>> = { 0: 'nobody', 1: 'anybody', 2: 'default' };
const SELECTOR_FALLBACKS: Readonly<Record<number, SubsetSelector['fallback']>> = {
  1: 'nobody',
  2: 'anybody',
  3: 'default',
  4: 'fewer-keys',
};

const compileSelector = (selector: LbSubsetSelector): SubsetSelector => {
  refuseUnsupported(selector, { read: ['keys', 'fallbackPolicy', 'fallbackKeysSubset'] });
  const { fallbackKeysSubset: fewer } = selector;
  const keys = [...new Set(selector.keys)].sort();
  const fallback = SELECTOR_FALLBACKS[selector.fallbackPolicy];
  if (fallback === 'fewer-keys') {
    if (fewer.length === 0 || fewer.length >= keys.length || !fewer.every((key) => keys.includes(key)))
      throw new ConfigError('fallback_keys_subset', 'must name some of the keys, but not all');
  } else if (fewer.length > 0) throw new ConfigError('fallback_keys_subset', 'is for the fallback_policy KEYS_SUBSET');
  return { keys, fallback, fallbackKeys: fewer };
};

/** Undefined where no selector makes groups. Throws ConfigError with a path relative to the message. */
export const compileSubsets = (config: LbSubsetConfig): SubsetRules | undefined => {
  refuseUnsupported(config, { read: ['fallbackPolicy', 'defaultSubset', 'subsetSelectors'] });
  if (config.subsetSelectors.length === 0) return undefined;
  return {
    selectors: config.subsetSelectors.map((selector, index) => inField(`subset_selectors[${index}]`, () => compileSelector(selector))),
    fallback: FALLBACKS[config.fallbackPolicy] ?? 'nobody',
    defaults: criteriaOf(config.defaultSubset ?? {}),
  };
};
