import { describe, expect, it } from 'vitest';
import { NetworkRbac } from '#envoy';
import { simulatedSystem } from '#system/simulated-system.ts';
import type { DownstreamConnection, StreamInfo } from '../../http/stream-info.ts';
import { compileNetworkRbac } from './network.ts';

const any = [{ any: true }];
const policy = (permission: object, principal: object = { any: true }) => ({ permissions: [permission], principals: [principal] });

const setUp = (config: object) => {
  const { metrics } = simulatedSystem();
  const judge = compileNetworkRbac(NetworkRbac.fromJSON({ statPrefix: 'tcp.', ...config }), metrics);
  const ask = (downstream: Partial<DownstreamConnection> = {}) => {
    const ends = { local: { address: '10.0.0.2', port: 9000 }, remote: { address: '10.0.0.1', port: 5 } };
    const stream: Pick<StreamInfo, 'downstream' | 'metadata'> = { downstream: { id: 1, ...ends, ...downstream }, metadata: undefined };
    return { why: judge(stream), metadata: stream.metadata };
  };
  return { ask, counter: (name: string) => metrics.scope('tcp').counter(`rbac.${name}`).value };
};

describe('a connection', () => {
  const caller = policy({ destinationPort: 9000 }, { authenticated: { principalName: { prefix: 'spiffe://td/ns/web/' } } });
  const { ask, counter } = setUp({ rules: { action: 'ALLOW', policies: { 'ns[a]-policy[b]-rule[0]': caller } } });

  it('goes on when its caller may', () => {
    expect(ask({ peerIdentity: 'spiffe://td/ns/web/sa/x' })).toEqual({ why: undefined, metadata: undefined });
    expect(counter('allowed')).toBe(1);
  });

  it('is refused otherwise, with reason and facts', () => {
    expect(ask()).toEqual({
      why: 'rbac_access_denied_matched_policy[none]',
      metadata: {
        'dinghy.authz': {
          ...{ policy: 'none', action: 'ALLOW', sourceIp: '10.0.0.1', remoteIp: '10.0.0.1', destinationIp: '10.0.0.2', port: 9000 },
        },
      },
    });
    expect(counter('denied')).toBe(1);
  });
});

it('shadow rules are counted and noted, and refuse nothing', () => {
  const { ask, counter } = setUp({
    shadowRules: { action: 'DENY', policies: { s: policy({ any: true }) } },
    shadowRulesStatPrefix: 'istio_dry_run_deny_',
  });
  expect(ask()).toEqual({
    why: undefined,
    metadata: {
      'envoy.filters.network.rbac': {
        istio_dry_run_deny_shadow_effective_policy_id: 's',
        istio_dry_run_deny_shadow_engine_result: 'denied',
      },
    },
  });
  expect(counter('istio_dry_run_deny_.shadow_denied')).toBe(1);
});

it.each([
  ['rules.policies[p].permissions[0].header', { rules: { policies: { p: policy({ header: { name: 'x', presentMatch: true } }) } } }],
  [
    'rules.policies[p].principals[0].url_path',
    { rules: { policies: { p: { permissions: any, principals: [{ urlPath: { path: { exact: '/' } } }] } } } },
  ],
  ['stat_prefix', { statPrefix: '' }],
  ['enforcement_type', { enforcementType: 'CONTINUOUS' }],
  ['matcher', { matcher: {} }],
])('%s is refused by name', (path, config) => {
  expect(() => setUp(config)).toThrow(path);
});
