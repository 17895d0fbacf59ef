import { expect, test } from 'vitest';
import { ConfigError } from '#api/config-error.ts';
import { Any, Bootstrap, Cluster, ClusterLoadAssignment, RouteConfiguration } from '#envoy';
import { simulatedSystem } from '#system/simulated-system.ts';
import { adminAddressOf, checkBootstrap } from '../bootstrap.ts';
import { filterRoom } from '../filters/filter-room.fixture.ts';
import { filterTypeOf } from '../filters/registry.ts';
import { compileClientTls } from '../tls/client-context.ts';
import { SecretStore } from '../tls/secret-store.ts';
import { ClusterManager } from '../upstream/cluster-manager.ts';
import { SnapshotBuilder } from './build-snapshot.ts';
import { type Good, type Verdict, walkFields } from './field-walk.fixture.ts';
import { validate } from './validate.ts';
import { WITHOUT_EFFECT } from './without-effect.fixture.ts';

const system = simulatedSystem();
const builder = new SnapshotBuilder({ system, clusters: new ClusterManager(system), secrets: new SecretStore() });
const room = filterRoom({ system });

const URL_PREFIX = 'type.googleapis.com/';
const C = 'envoy.config.cluster.v3.Cluster';
const CORE = 'envoy.config.core.v3.';
const ENDPOINT = 'envoy.config.endpoint.v3.';
const FILTER = 'envoy.extensions.filters.http.';
const MATCHER = 'envoy.type.matcher.v3.';
const RBAC = 'envoy.config.rbac.v3.';
const ROUTE = 'envoy.config.route.v3.';

const address = { socket_address: { address: '127.0.0.1', port_value: 1 } };
const any = { any: true };
const plain = { name: 'envoy.transport_sockets.raw_buffer' };
const percentage = { numerator: 100 };
const uri = { uri: 'http://a', cluster: 'a', timeout: '1s' };

const TLS = 'envoy.extensions.transport_sockets.tls.v3.';
const pem = { inline_string: '-----BEGIN CERTIFICATE-----, -----BEGIN PRIVATE KEY-----' };

const randomPolicy = {
  typed_extension_config: {
    name: 'x',
    typed_config: { '@type': `${URL_PREFIX}envoy.extensions.load_balancing_policies.random.v3.Random` },
  },
};

/** Policies that a cluster must have for its other fields to fit. */
const LB_POLICIES: Readonly<Record<string, string>> = {
  least_request_lb_config: 'LEAST_REQUEST',
  ring_hash_lb_config: 'RING_HASH',
  maglev_lb_config: 'MAGLEV',
};

const GOOD: Good = {
  [C]: { name: 'a', connect_timeout: '1s' },
  'envoy.config.cluster.v3.LoadBalancingPolicy': { policies: [randomPolicy] },
  'envoy.config.cluster.v3.LoadBalancingPolicy.Policy': randomPolicy,
  [`${C}.TransportSocketMatch`]: { name: 'm', transport_socket: plain },
  [`${C}.EdsClusterConfig`]: { eds_config: { ads: {} } },
  [`${C}.RefreshRate`]: { base_interval: '1s' },
  'envoy.config.cluster.v3.OutlierDetection': { base_ejection_time: '1s' },
  [`${CORE}Address`]: address,
  [`${CORE}ApiConfigSource`]: { api_type: 'GRPC', grpc_services: [{ envoy_grpc: { cluster_name: 'x' } }] },
  [`${CORE}CidrRange`]: { address_prefix: '10.0.0.0' },
  [`${CORE}ConfigSource`]: { ads: {} },
  [`${CORE}DataSource`]: pem,
  [`${CORE}HealthCheck`]: { timeout: '1s', interval: '1s', unhealthy_threshold: 1, healthy_threshold: 1, http_health_check: { path: '/' } },
  [`${CORE}HealthCheck.HttpHealthCheck`]: { path: '/', method: 'POST' },
  [`${CORE}HealthCheck.Payload`]: { text: '00' },
  [`${CORE}Http2ProtocolOptions`]: { initial_stream_window_size: 65_535, initial_connection_window_size: 65_535 },
  [`${CORE}KeepaliveSettings`]: { interval: '1s', timeout: '1s' },
  [`${CORE}HeaderValue`]: { key: 'x-a', value: 'b' },
  [`${CORE}HeaderValueOption`]: { header: { key: 'x-a', value: 'b' } },
  [`${CORE}RuntimeDouble`]: { default_value: 1, runtime_key: 'x' },
  [`${CORE}RuntimeFractionalPercent`]: { default_value: percentage },
  [`${CORE}SocketAddress`]: address.socket_address,
  [`${CORE}TransportSocket`]: plain,
  [`${CORE}TypedExtensionConfig`]: { name: 'x', typed_config: { '@type': `${URL_PREFIX}${CORE}Locality` } },
  [`${ENDPOINT}ClusterLoadAssignment`]: { cluster_name: 'a' },
  [`${ENDPOINT}Endpoint`]: { address },
  [`${ENDPOINT}LbEndpoint`]: { endpoint: { address } },
  [`${FILTER}fault.v3.FaultAbort`]: { http_status: 500, percentage },
  'envoy.extensions.filters.common.fault.v3.FaultDelay': { fixed_delay: '1s', percentage },
  [`${CORE}HttpUri`]: uri,
  [`${FILTER}ext_authz.v3.BufferSettings`]: { max_request_bytes: 1 },
  [`${FILTER}ext_authz.v3.ExtAuthz`]: { transport_api_version: 'V3', http_service: { server_uri: uri } },
  [`${FILTER}ext_authz.v3.HttpService`]: { server_uri: uri },
  [`${FILTER}local_ratelimit.v3.LocalRateLimit`]: { stat_prefix: 'x', filter_enabled: { default_value: percentage } },
  [`${FILTER}jwt_authn.v3.JwtClaimToHeader`]: { header_name: 'x', claim_name: 'x' },
  [`${FILTER}jwt_authn.v3.JwtHeader`]: { name: 'x' },
  [`${FILTER}jwt_authn.v3.JwtProvider`]: { local_jwks: { inline_string: '' } },
  [`${FILTER}jwt_authn.v3.JwtRequirement`]: { allow_missing: {} },
  [`${FILTER}jwt_authn.v3.RemoteJwks`]: { http_uri: uri },
  [`${FILTER}jwt_authn.v3.RequirementRule`]: { match: { prefix: '/' } },
  [`${MATCHER}DoubleMatcher`]: { exact: 1 },
  [`${MATCHER}ListMatcher`]: { one_of: { bool_match: true } },
  [`${MATCHER}MetadataMatcher`]: { filter: 'x', path: [{ key: 'x' }], value: { bool_match: true } },
  [`${MATCHER}MetadataMatcher.PathSegment`]: { key: 'x' },
  [`${MATCHER}OrMatcher`]: { value_matchers: [{ bool_match: true }, { bool_match: false }] },
  [`${MATCHER}ValueMatcher`]: { bool_match: true },
  [`${MATCHER}PathMatcher`]: { path: { exact: '/' } },
  [`${MATCHER}RegexMatchAndSubstitute`]: { pattern: { regex: 'a' }, substitution: 'b' },
  [`${MATCHER}RegexMatcher`]: { regex: 'a' },
  [`${MATCHER}StringMatcher`]: { exact: 'a' },
  [`${RBAC}Permission`]: any,
  [`${RBAC}Permission.Set`]: { rules: [any] },
  [`${RBAC}Policy`]: { permissions: [any], principals: [any] },
  [`${RBAC}Principal`]: any,
  [`${RBAC}Principal.Set`]: { ids: [any] },
  [`${ROUTE}Decorator`]: { operation: 'x' },
  [`${ROUTE}DirectResponseAction`]: { status: 200 },
  [`${ROUTE}HeaderMatcher`]: { name: 'x-a', string_match: { exact: 'a' } },
  [`${ROUTE}QueryParameterMatcher`]: { name: 'q' },
  [`${ROUTE}RetryPolicy`]: { retry_on: '5xx' },
  [`${ROUTE}RetryPolicy.RetryHostPredicate`]: { name: 'envoy.retry_host_predicates.previous_hosts' },
  [`${ROUTE}RetryPolicy.RetryPriority`]: {
    name: 'x',
    typed_config: {
      '@type': `${URL_PREFIX}envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig`,
      update_frequency: 1,
    },
  },
  [`${ROUTE}RetryPolicy.RetryBackOff`]: { base_interval: '1s' },
  [`${ROUTE}RetryPolicy.RateLimitedRetryBackOff`]: { reset_headers: [{ name: 'x' }] },
  [`${ROUTE}RetryPolicy.ResetHeader`]: { name: 'x' },
  [`${ROUTE}Route`]: { match: { prefix: '/' }, route: { cluster: 'a' } },
  [`${ROUTE}RouteAction`]: { cluster: 'a' },
  [`${ROUTE}RouteAction.HashPolicy`]: { header: { header_name: 'x-a' } },
  [`${ROUTE}RouteAction.HashPolicy.Header`]: { header_name: 'x-a' },
  [`${ROUTE}RouteAction.HashPolicy.Cookie`]: { name: 'c' },
  [`${ROUTE}RouteAction.HashPolicy.CookieAttribute`]: { name: 'Secure' },
  [`${ROUTE}RouteAction.HashPolicy.QueryParameter`]: { name: 'q' },
  [`${ROUTE}RouteAction.HashPolicy.FilterState`]: { key: 'x' },
  [`${ROUTE}RouteAction.RequestMirrorPolicy`]: { cluster: 'a' },
  [`${ROUTE}RouteConfiguration`]: { name: 'r' },
  [`${ROUTE}RouteMatch`]: { prefix: '/' },
  [`${ROUTE}VirtualCluster`]: { name: 'x', headers: [{ name: 'x-a' }] },
  [`${ROUTE}VirtualHost`]: { name: 'v', domains: ['*'] },
  [`${ROUTE}WeightedCluster`]: { clusters: [{ name: 'a', weight: 1 }] },
  [`${ROUTE}WeightedCluster.ClusterWeight`]: { name: 'a', weight: 1 },
  [`${TLS}UpstreamTlsContext`]: { common_tls_context: {} },
  [`${TLS}SdsSecretConfig`]: { name: 'x', sds_config: { ads: {} } },
  [`${TLS}CommonTlsContext.CombinedCertificateValidationContext`]: {
    validation_context_sds_secret_config: { name: 'x', sds_config: { ads: {} } },
  },
  'envoy.config.bootstrap.v3.Bootstrap.DynamicResources': {
    ads_config: { api_type: 'GRPC', grpc_services: [{ envoy_grpc: { cluster_name: 'x' } }] },
  },
  'envoy.type.v3.Int64Range': { start: 200, end: 300 },
  'envoy.type.v3.FractionalPercent': percentage,
  'envoy.type.v3.TokenBucket': { max_tokens: 1, fill_interval: '1s' },
  [`${TLS}CertificateValidationContext`]: { trusted_ca: pem },
  [`${TLS}Secret`]: { name: 's', validation_context: { trusted_ca: pem } },
  [`${TLS}SubjectAltNameMatcher`]: { san_type: 'URI', matcher: { exact: 'a' } },
  [`${TLS}TlsCertificate`]: { certificate_chain: pem, private_key: pem },
};

const filter = (type: string) => (json: object) =>
  filterTypeOf(`${URL_PREFIX}${FILTER}${type}`).compile(Any.fromJSON({ '@type': `${URL_PREFIX}${FILTER}${type}`, ...json }), room);

/** gRPC checks are for clusters that speak it. */
const HTTP2 = {
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': `${URL_PREFIX}envoy.extensions.upstreams.http.v3.HttpProtocolOptions`,
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
};

/** By type: takes a message into use as the proxy would, or throws. */
const ROOTS: Readonly<Record<string, (json: object) => unknown>> = {
  'envoy.config.bootstrap.v3.Bootstrap': (json) => {
    const bootstrap = Bootstrap.fromJSON(json);
    validate(bootstrap, 'envoy.config.bootstrap.v3.Bootstrap');
    checkBootstrap(bootstrap);
    adminAddressOf(bootstrap);
  },
  [C]: (json) => {
    const type = 'eds_cluster_config' in json ? { type: 'EDS' } : {};
    const lbPolicy = Object.keys(json).flatMap((field) => LB_POLICIES[field] ?? [])[0];
    const fitting = { ...type, ...(lbPolicy && { lb_policy: lbPolicy }), ...('health_checks' in json && HTTP2) };
    const cluster = Cluster.fromJSON({ ...json, ...fitting });
    validate(cluster, C);
    builder.check('cds', cluster);
  },
  [`${TLS}UpstreamTlsContext`]: (json) =>
    void compileClientTls(Any.fromJSON({ '@type': `${URL_PREFIX}${TLS}UpstreamTlsContext`, ...json })),
  [`${ENDPOINT}ClusterLoadAssignment`]: (json) => {
    const assignment = ClusterLoadAssignment.fromJSON(json);
    validate(assignment, `${ENDPOINT}ClusterLoadAssignment`);
    builder.check('eds', assignment);
  },
  [`${ROUTE}RouteConfiguration`]: (json) => {
    const routes = RouteConfiguration.fromJSON(json);
    validate(routes, `${ROUTE}RouteConfiguration`);
    builder.check('rds', routes);
  },
  ...Object.fromEntries(
    [
      'cors.v3.Cors',
      'ext_authz.v3.ExtAuthz',
      'fault.v3.HTTPFault',
      'grpc_stats.v3.FilterConfig',
      'jwt_authn.v3.JwtAuthentication',
      'local_ratelimit.v3.LocalRateLimit',
      'rbac.v3.RBAC',
    ].map((type) => [`${FILTER}${type}`, filter(type)]),
  ),
  [`${FILTER}cors.v3.CorsPolicy`]: (json) => {
    const [cors, policy] = [`${URL_PREFIX}${FILTER}cors.v3.Cors`, `${URL_PREFIX}${FILTER}cors.v3.CorsPolicy`];
    filterTypeOf(cors).compileRoute?.(Any.fromJSON({ '@type': cors }), Any.fromJSON({ '@type': policy, ...json }), room);
  },
};

/** An error must stand at the field, above it or below it. */
const judge =
  (use: (json: object) => unknown) =>
  ({ path, message }: { readonly path: string; readonly message: object }): Verdict => {
    try {
      use(message);
      return 'taken';
    } catch (error) {
      if (!(error instanceof ConfigError)) return { unclear: String(error) };
      const at = error.path.replace(/\[[^\]]*\]/g, '');
      return path === at || path.startsWith(`${at}.`) || at.startsWith(`${path}.`) ? 'refused' : { unclear: error.message };
    }
  };

test('every field of every message is refused with its path, or stands in accepted-fields.txt, with a reason where it has no effect', async () => {
  const lines: string[] = [];
  const unclear: string[] = [];
  const unknown: string[] = [];
  for (const [type, use] of Object.entries(ROOTS)) {
    const reasons = WITHOUT_EFFECT[type] ?? {};
    const found = walkFields(type, { good: GOOD, closed: new Set(Object.keys(reasons)), judge: judge(use) });
    unclear.push(...found.unclear.map((text) => `${type}: ${text}`));
    unknown.push(
      ...Object.keys(reasons)
        .filter((path) => !found.taken.includes(path))
        .map((path) => `${type}: ${path}`),
    );
    lines.push(type, ...found.taken.map((path) => `  ${path}${reasons[path] ? ` (${reasons[path]})` : ''}`), '');
  }
  expect(unclear).toEqual([]);
  expect(unknown).toEqual([]);
  await expect(lines.join('\n')).toMatchFileSnapshot('./accepted-fields.txt');
});
