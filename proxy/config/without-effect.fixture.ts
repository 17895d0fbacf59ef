/** Fields that this proxy takes although they change nothing here, by the message that a configuration hands over, and why. */
const NO_RUNTIME = 'there is no runtime that could override the value beside it';
const RE2_SIZE = 'programs are bounded by the length of a pattern';
const FOR_TOOLS = 'for tools that read the configuration';
const NO_TRACES = 'nothing is traced';

const HEADER_MATCH = (at: string) => ({
  [`${at}.safe_regex_match.google_re2`]: RE2_SIZE,
});

/** Type of message → path → why. */
export const WITHOUT_EFFECT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'envoy.config.bootstrap.v3.Bootstrap': {
    'static_resources.clusters': 'judged by themselves',
    'static_resources.listeners': 'judged by themselves',
    'dynamic_resources.ads_config': 'only its first envoy_grpc cluster and its type are read: one plain-text stream',
    'dynamic_resources.lds_config.initial_fetch_timeout': 'resources are waited for without end, as with 0s',
    typed_dns_resolver_config: 'the system resolver is the only one',
    'admin.address.socket_address.ipv4_compat': 'IPv6 sockets of this program take IPv4, too',
    node: 'handed to the control plane as it is',
    stats_config: 'statistics are all there, under their untagged names',
    stats_flush_interval: 'numbers are read when somebody asks',
    stats_flush_on_admin: 'numbers are read when somebody asks',
    watchdog: 'there are no threads to watch',
    watchdogs: 'there are no threads to watch',
    enable_dispatcher_stats: 'there are no dispatchers',
    'admin.profile_path': 'profiles are taken by other means',
    'admin.ignore_global_conn_limit': 'there is no global limit',
  },
  'envoy.config.cluster.v3.Cluster': {
    'http2_protocol_options.max_outbound_frames': 'data waits for the peer to read and is never queued in frames',
    'http2_protocol_options.connection_keepalive.interval_jitter': 'connections begin at their own times',
    load_assignment: 'judged by itself',
    metadata: FOR_TOOLS,
    per_connection_buffer_limit_bytes: 'bodies are pulled, never pushed into a buffer',
    respect_dns_ttl: 'the system resolver tells no TTL; dns_refresh_rate holds',
    typed_dns_resolver_config: 'the system resolver is the only one',
    wait_for_warm_on_init: 'clusters always wait for their endpoints',
    cleanup_interval: 'hosts of ORIGINAL_DST clusters are dropped by number, not by time',
    track_timeout_budgets: 'only adds statistics',
    track_cluster_stats: 'only adds statistics',
    'upstream_connection_options.tcp_keepalive.keepalive_probes':
      'the runtime sets the first pause only; it gives up after its own number of probes',
    'upstream_connection_options.tcp_keepalive.keepalive_interval': 'the runtime sets the first pause only; it probes at its own interval',
    'least_request_lb_config.active_request_bias.runtime_key': NO_RUNTIME,
    'common_lb_config.update_merge_window': 'endpoints come into force at once',
    'health_checks.http_health_check.service_name_matcher.safe_regex.google_re2': RE2_SIZE,
    'eds_cluster_config.eds_config.initial_fetch_timeout': 'a cluster waits for its endpoints for ever, as with 0s',
  },
  'envoy.config.endpoint.v3.ClusterLoadAssignment': {
    'endpoints.metadata': FOR_TOOLS,
    'endpoints.proximity': 'only zone-aware routing would read it',
    'endpoints.lb_endpoints.metadata':
      'but that envoy.transport_socket_match chooses the transport socket and envoy.lb is what balancing asks for; the rest is for tools',
    'endpoints.lb_endpoints.endpoint.address.socket_address.ipv4_compat': 'about sockets that listen',
  },
  'envoy.config.route.v3.RouteConfiguration': {
    metadata: FOR_TOOLS,
    'virtual_hosts.metadata': FOR_TOOLS,
    'virtual_hosts.virtual_clusters': 'only adds statistics',
    'virtual_hosts.routes.stat_prefix': 'only adds statistics',
    'virtual_hosts.routes.decorator': NO_TRACES,
    'virtual_hosts.routes.tracing': NO_TRACES,
    'virtual_hosts.routes.match.safe_regex.google_re2': RE2_SIZE,
    'virtual_hosts.routes.match.runtime_fraction.runtime_key': NO_RUNTIME,
    'virtual_hosts.routes.route.include_vh_rate_limits': 'rate limits are refused where they stand',
    'virtual_hosts.routes.route.request_mirror_policies.trace_sampled': NO_TRACES,
    'virtual_hosts.routes.route.weighted_clusters.runtime_key_prefix': NO_RUNTIME,
    'virtual_hosts.routes.route.weighted_clusters.total_weight': 'the sum of the weights is the total, as in Envoy',
  },
  'envoy.extensions.filters.http.cors.v3.CorsPolicy': {
    'allow_origin_string_match.safe_regex.google_re2': RE2_SIZE,
    'filter_enabled.runtime_key': NO_RUNTIME,
  },
  'envoy.extensions.filters.http.ext_authz.v3.ExtAuthz': {
    'http_service.authorization_request.allowed_headers.patterns.safe_regex.google_re2': RE2_SIZE,
    'filter_enabled.runtime_key': NO_RUNTIME,
    validate_mutations: 'what an authorizer wants changed is always validated',
  },
  'envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication': {
    'providers.subjects.safe_regex.google_re2': RE2_SIZE,
    'providers.remote_jwks.async_fetch.fast_listener': 'listeners never wait for keys; requests do',
    'providers.remote_jwks.async_fetch.failed_refetch_duration': 'pauses after failures grow by themselves',
    'rules.match.runtime_fraction.runtime_key': NO_RUNTIME,
  },
  'envoy.extensions.filters.http.fault.v3.HTTPFault': {
    ...HEADER_MATCH('headers'),
    delay_percent_runtime: NO_RUNTIME,
    abort_percent_runtime: NO_RUNTIME,
    delay_duration_runtime: NO_RUNTIME,
    abort_http_status_runtime: NO_RUNTIME,
    abort_grpc_status_runtime: NO_RUNTIME,
    max_active_faults_runtime: NO_RUNTIME,
    response_rate_limit_percent_runtime: NO_RUNTIME,
    disable_downstream_cluster_stats: 'there are no statistics by downstream cluster',
    filter_metadata: 'for access logs that this proxy does not write',
  },
  'envoy.extensions.filters.http.grpc_stats.v3.FilterConfig': { emit_filter_state: 'for access loggers that this proxy does not have' },
  'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit': {
    'filter_enabled.runtime_key': NO_RUNTIME,
    stage: 'descriptors are refused, and only they have stages',
    vh_rate_limits: 'descriptors are refused, and only routes and virtual hosts have them',
    always_consume_default_token_bucket: 'descriptors are refused, and so there is no other bucket',
  },
  'envoy.extensions.filters.http.rbac.v3.RBAC': HEADER_MATCH('rules.policies.permissions.header'),
};
