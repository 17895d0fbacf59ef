/** TcpProxy.hash_policy → what of a connection says which host serves it. Source: type.v3.HashPolicy. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { TcpProxy } from '#envoy';
import { type Hash64, xxh64 } from '#system/xxh64.ts';
import type { DownstreamConnection } from '../http/stream-info.ts';

/** What clusters that hash go by. */
export type HashConnection = (downstream: DownstreamConnection) => Hash64;

/** Undefined when nothing is asked for. Throws ConfigError with a path relative to the TCP proxy. */
export const compileTcpHash = ({ hashPolicy }: TcpProxy): HashConnection | undefined => {
  const [policy, ...others] = hashPolicy;
  if (others.length > 0) throw new ConfigError('hash_policy', 'must not have more than 1 entry');
  if (!policy) return undefined;
  return inField('hash_policy[0]', () => {
    refuseUnsupported(policy, { read: ['policySpecifier'] });
    if (policy.policySpecifier?.$case === 'filterState') throw new ConfigError('filter_state', 'not supported by this proxy');
    if (!policy.policySpecifier) throw new ConfigError('policy_specifier', 'is required');
    return ({ remote }) => xxh64(remote.address);
  });
};
