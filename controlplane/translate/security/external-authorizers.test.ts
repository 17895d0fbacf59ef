import { expect, test } from 'vitest';
import type { MeshService } from '../../mesh/mesh.ts';
import { httpAuthorization, tcpAuthorization } from './authorization-filters.ts';
import { input, plain, policy, sayFilter } from './said.fixture.ts';

const service = (hostname: string, namespace = 'default') => ({ hostname, namespace }) as MeshService;
const MESH = {
  services: [service('authz.default.svc.cluster.local'), service('twice.example', 'a'), service('twice.example', 'b')],
  providers: [
    {
      name: 'web',
      envoyExtAuthzHttp: {
        service: 'authz.default.svc.cluster.local',
        port: 8000,
        pathPrefix: '/check',
        timeout: '2s',
        failOpen: true,
        statusOnError: '503',
        clearRouteCache: true,
        includeRequestHeadersInCheck: ['x-ext', 'x-p-*'],
        includeAdditionalHeadersInCheck: { 'x-b': '2', 'x-a': '1' },
        headersToUpstreamOnAllow: ['x-up'],
        headersToDownstreamOnDeny: ['*-down'],
        headersToDownstreamOnAllow: ['x-da'],
        includeRequestBodyInCheck: { maxRequestBytes: 1024, allowPartialMessage: true },
      },
    },
    { name: 'rpc', envoyExtAuthzGrpc: { service: 'default/authz.default.svc.cluster.local', port: 9000 } },
    { name: 'nobody', envoyExtAuthzGrpc: { service: 'gone.example', port: 9000 } },
    { name: 'unclear', envoyExtAuthzGrpc: { service: 'twice.example', port: 9000 } },
    { name: 'told', envoyExtAuthzGrpc: { service: 'b/twice.example', port: 9000 } },
  ],
};
const asking = (provider: string, name = 'c') =>
  policy(`{action: CUSTOM, provider: {name: ${provider}}, rules: [{to: [{operation: {paths: [/private*]}}]}]}`, `name: ${name}`);
const filters = (...policies: ReturnType<typeof policy>[]) => httpAuthorization(input(policies, MESH)).custom.map(plain);

test('what is to be asked is marked first, and only what is marked is asked', () => {
  const [mark, ask] = filters(asking('web'));
  expect(mark?.config.rules).toBeUndefined();
  expect(Object.keys(mark?.config.shadowRules.policies)).toEqual(['istio-ext-authz-web-ns[default]-policy[c]-rule[0]']);
  expect(mark?.config.shadowRulesStatPrefix).toBe('istio_ext_authz_');
  expect(ask?.name).toBe('envoy.filters.http.ext_authz');
  expect(ask?.config.filterEnabledMetadata).toMatchObject({
    filter: 'envoy.filters.http.rbac',
    path: [{ key: 'istio_ext_authz_shadow_effective_policy_id' }],
    value: { stringMatch: { prefix: 'istio-ext-authz-web' } },
  });
});

test('an authorizer that speaks HTTP: every setting', () => {
  const pattern = (kind: string, text: string) => ({ patterns: [expect.objectContaining({ [kind]: text, ignoreCase: true })] });
  expect(filters(asking('web'))[1]?.config).toMatchObject({
    httpService: {
      serverUri: {
        uri: 'http://authz.default.svc.cluster.local',
        cluster: 'outbound|8000||authz.default.svc.cluster.local',
        timeout: '2s',
      },
      pathPrefix: '/check',
      authorizationRequest: {
        headersToAdd: [
          { key: 'x-a', value: '1' },
          { key: 'x-b', value: '2' },
        ],
      },
      authorizationResponse: {
        allowedUpstreamHeaders: pattern('exact', 'x-up'),
        allowedClientHeaders: pattern('suffix', '-down'),
        allowedClientHeadersOnSuccess: pattern('exact', 'x-da'),
      },
    },
    transportApiVersion: 'V3',
    failureModeAllow: true,
    clearRouteCache: true,
    statusOnError: { code: 'ServiceUnavailable' },
    withRequestBody: { maxRequestBytes: 1024, allowPartialMessage: true },
    allowedHeaders: { patterns: [expect.objectContaining({ exact: 'x-ext' }), expect.objectContaining({ prefix: 'x-p-' })] },
  });
});

test('an authorizer that speaks gRPC, with ten minutes to answer unless told otherwise; it fails closed', () => {
  const ask = filters(asking('rpc'))[1]?.config;
  expect(ask?.grpcService).toMatchObject({
    envoyGrpc: { clusterName: 'outbound|9000||authz.default.svc.cluster.local', authority: 'authz.default.svc.cluster.local' },
    timeout: '600s',
  });
  expect(ask?.failureModeAllow).toBeFalsy();
});

test.each(['missing', 'nobody', 'unclear', "''"])('who cannot be asked (%s): what it should decide is refused', (provider) => {
  const made = filters(asking(provider));
  expect(made).toHaveLength(1);
  expect(made[0]?.config.rules.action).toBe('DENY');
  expect(Object.keys(made[0]?.config.rules.policies)).toEqual([
    `istio-ext-authz-${provider === "''" ? '' : `${provider}-`}ns[default]-policy[c]-rule[0]-deny-due-to-bad-CUSTOM-action`,
  ]);
});

test('a host of several namespaces is told apart by its namespace', () => {
  expect(filters(asking('told'))[1]?.config.grpcService.envoyGrpc.clusterName).toBe('outbound|9000||twice.example');
});

test('two authorizers for one workload: what either should decide is refused', () => {
  const made = httpAuthorization(input([asking('web', 'a'), asking('rpc', 'b')], MESH)).custom;
  expect(made.flatMap((filter) => Object.keys(sayFilter(filter)))).toEqual([
    'istio-ext-authz-rpc-ns[default]-policy[b]-rule[0]-deny-due-to-bad-CUSTOM-action',
    'istio-ext-authz-web-ns[default]-policy[a]-rule[0]-deny-due-to-bad-CUSTOM-action',
  ]);
});

test('a CUSTOM policy that is only tried asks nobody and refuses nothing', () => {
  const tried = policy('{action: CUSTOM, provider: {name: web}, rules: [{}]}', 'name: c, annotations: {istio.io/dry-run: "true"}');
  expect(httpAuthorization(input([tried], MESH))).toEqual({ custom: [], own: [] });
});

test('on TCP an HTTP authorizer is not asked, and what a gRPC authorizer should decide is refused', () => {
  const tcp = (provider: string) => tcpAuthorization(input([asking(provider)], MESH)).custom;
  expect(tcp('web')).toEqual([]);
  expect(tcp('rpc').map(sayFilter)).toEqual([
    { 'istio-ext-authz-rpc-ns[default]-policy[c]-rule[0]-deny-due-to-bad-CUSTOM-action': 'any <- any' },
  ]);
});
