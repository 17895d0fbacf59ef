/** RetryPolicy → which hosts a retry would rather not have. Source: config.route.v3.RetryPolicy, extensions.retry. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import { type Any, type MessageFns, OmitHostMetadataConfig, PreviousPrioritiesConfig, type RetryPolicy } from '#envoy';
import type { HostWishes } from './upstream-cluster.ts';

type HostTest = NonNullable<HostWishes['avoids']>[number];

/** `previous` is a predicate of its own: it looks at the exchange, not at the host. */
type Predicate = 'previous' | HostTest;

const decoded = <T>({ value, typeUrl }: Any, codec: Pick<MessageFns<T>, 'decode'>): T => {
  try {
    return codec.decode(value);
  } catch (cause) {
    throw new ConfigError('typed_config', `cannot be decoded as ${typeUrl}`, { cause });
  }
};

const isCanary: HostTest = ({ labels }) => labels?.canary === true;

const same = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b);

const compileOmitted = (any: Any | undefined): HostTest => {
  const config = any ? decoded(any, OmitHostMetadataConfig) : undefined;
  if (config) inField('typed_config', () => refuseUnsupported(config, { read: ['metadataMatch'] }));
  const facts = Object.entries<unknown>(config?.metadataMatch?.filterMetadata['envoy.lb'] ?? {});
  if (facts.length === 0) return () => false;
  return ({ labels }) => labels !== undefined && facts.every(([name, value]) => Object.hasOwn(labels, name) && same(labels[name], value));
};

const PREDICATES: Readonly<Record<string, (any: Any | undefined) => Predicate>> = {
  'envoy.retry_host_predicates.previous_hosts': () => 'previous',
  'envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate': () => 'previous',
  'envoy.retry_host_predicates.omit_canary_hosts': () => isCanary,
  'envoy.extensions.retry.host.omit_canary_hosts.v3.OmitCanaryHostsPredicate': () => isCanary,
  'envoy.retry_host_predicates.omit_host_metadata': compileOmitted,
  'envoy.extensions.retry.host.omit_host_metadata.v3.OmitHostMetadataConfig': compileOmitted,
};

const PRIORITIES = [
  'envoy.retry_priorities.previous_priorities',
  'envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig',
];

const typeOf = ({ name, configType }: RetryPolicy['retryHostPredicate'][number]): string =>
  configType ? configType.value.typeUrl.replace(/^.*\//, '') : name;

const compilePredicates = ({ retryHostPredicate }: RetryPolicy): Predicate[] =>
  retryHostPredicate.map((predicate, index) =>
    inField(`retry_host_predicate[${index}]`, () => {
      const type = typeOf(predicate);
      const compile = Object.hasOwn(PREDICATES, type) ? PREDICATES[type] : undefined;
      if (!compile) throw new ConfigError('', `${type} is not supported by this proxy`);
      return compile(predicate.configType?.value);
    }),
  );

const compilePriority = ({ retryPriority }: RetryPolicy): number | undefined => {
  if (!retryPriority) return undefined;
  return inField('retry_priority', () => {
    const type = typeOf(retryPriority);
    if (!PRIORITIES.includes(type)) throw new ConfigError('', `${type} is not supported by this proxy`);
    const any = retryPriority.configType?.value;
    const every = any ? decoded(any, PreviousPrioritiesConfig).updateFrequency : 0;
    if (every <= 0) throw new ConfigError('typed_config.update_frequency', 'must be greater than 0');
    return every;
  });
};

/** Throws ConfigError with a path relative to the policy. */
export const compileHostWishes = (policy: RetryPolicy): HostWishes => {
  const predicates = compilePredicates(policy);
  const avoids = predicates.filter((predicate) => predicate !== 'previous');
  const leavesPrioritiesEvery = compilePriority(policy);
  return {
    repicks: predicates.length === 0 ? 0 : policy.hostSelectionRetryMaxAttempts || 1,
    avoidsTried: predicates.includes('previous'),
    ...(avoids.length > 0 && { avoids }),
    ...(leavesPrioritiesEvery !== undefined && { leavesPrioritiesEvery }),
  };
};
