import { expect, it } from 'vitest';
import { RetryPolicy } from '#envoy';
import { compileHostWishes } from './host-wishes.ts';

const HOST = 'type.googleapis.com/envoy.extensions.retry.host.';
const PRIORITY = 'type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig';
const wishes = (policy: object) => compileHostWishes(RetryPolicy.fromJSON(policy));

const predicate = (type: string, config: object = {}) => ({ name: 'x', typedConfig: { '@type': HOST + type, ...config } });

it('wishes for nothing unless told', () => {
  expect(wishes({})).toEqual({ repicks: 0, avoidsTried: false });
});

it('knows predicates by name and by type, and picks again once unless told', () => {
  expect(wishes({ retryHostPredicate: [{ name: 'envoy.retry_host_predicates.previous_hosts' }] })).toEqual({
    repicks: 1,
    avoidsTried: true,
  });
  const byType = { retryHostPredicate: [predicate('previous_hosts.v3.PreviousHostsPredicate')], hostSelectionRetryMaxAttempts: '5' };
  expect(wishes(byType)).toEqual({ repicks: 5, avoidsTried: true });
});

it('avoids canaries, and hosts with all the facts that are named', () => {
  const [canary] = wishes({ retryHostPredicate: [predicate('omit_canary_hosts.v3.OmitCanaryHostsPredicate')] }).avoids ?? [];
  expect([{ labels: { canary: true } }, { labels: { canary: false } }, {}].map((host) => canary?.(host))).toEqual([true, false, false]);
  const metadataMatch = { filterMetadata: { 'envoy.lb': { version: 'v2', zone: 'a' } } };
  const [named] =
    wishes({ retryHostPredicate: [predicate('omit_host_metadata.v3.OmitHostMetadataConfig', { metadataMatch })] }).avoids ?? [];
  expect([{ version: 'v2', zone: 'a', more: 1 }, { version: 'v2' }, undefined].map((labels) => named?.({ labels }))).toEqual([
    true,
    false,
    false,
  ]);
});

it('leaves out priorities tried before', () => {
  const retryPriority = { name: 'x', typedConfig: { '@type': PRIORITY, updateFrequency: 2 } };
  expect(wishes({ retryPriority }).leavesPrioritiesEvery).toBe(2);
});

it.each([
  [{ retryPriority: { name: 'other' } }, 'retry_priority: other is not supported'],
  [{ retryPriority: { name: 'x', typedConfig: { '@type': PRIORITY } } }, 'retry_priority.typed_config.update_frequency: '],
  [{ retryHostPredicate: [{ name: 'other' }] }, 'retry_host_predicate[0]: other is not supported'],
])('refuses %j with its path', (policy, message) => {
  expect(() => wishes(policy)).toThrow(message);
});
