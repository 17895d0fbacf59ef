/** A sidecar whose route has every traffic policy on it: what they cost beside forwarding alone. None of them acts on a request that goes well, except that each is asked. */
import type { RoutePolicies } from './sidecar-bootstrap.ts';
import { optionalEnvoy, type Subject, sidecar, startDinghy } from './subjects.ts';

const TYPE = 'type.googleapis.com/envoy.extensions';

const CLUSTER = `    lb_policy: LEAST_REQUEST
    least_request_lb_config: { slow_start_config: { slow_start_window: 60s } }
    common_lb_config: { healthy_panic_threshold: { value: 0 }, locality_weighted_lb_config: {} }
    circuit_breakers:
      thresholds: [{ max_connections: 1000, max_pending_requests: 1000, max_requests: 1000, max_retries: 10, track_remaining: true }]
    outlier_detection:
      { consecutive_5xx: 5, consecutive_gateway_failure: 5, interval: 10s, base_ejection_time: 30s, max_ejection_percent: 50, enforcing_success_rate: 100 }
    health_checks:
    - { timeout: 1s, interval: 5s, unhealthy_threshold: 3, healthy_threshold: 1, http_health_check: { path: /healthz } }
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": ${TYPE}.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: { http_protocol_options: {} }
        common_http_protocol_options: { idle_timeout: 3600s, max_connection_duration: 3600s, max_requests_per_connection: 1000000 }
`;

const ROUTE = `                request_headers_to_add: [{ header: { key: x-added, value: one }, append_action: OVERWRITE_IF_EXISTS_OR_ADD }]
                response_headers_to_remove: [x-none]
                typed_per_filter_config:
                  envoy.filters.http.fault:
                    "@type": ${TYPE}.filters.http.fault.v3.HTTPFault
                    abort: { http_status: 503, percentage: { numerator: 0, denominator: MILLION } }
                    delay: { fixed_delay: 1s, percentage: { numerator: 0, denominator: MILLION } }
                  envoy.filters.http.cors:
                    "@type": ${TYPE}.filters.http.cors.v3.CorsPolicy
                    allow_origin_string_match: [{ exact: "https://example.test" }]
                    allow_methods: GET
                    filter_enabled: { default_value: { numerator: 100 } }
`;

const ACTION = `                  timeout: 10s
                  retry_policy:
                    { retry_on: "5xx,reset,connect-failure,retriable-status-codes", num_retries: 3, per_try_timeout: 2s, retriable_status_codes: [503], retry_host_predicate: [{ name: envoy.retry_host_predicates.previous_hosts, typed_config: { "@type": ${TYPE}.retry.host.previous_hosts.v3.PreviousHostsPredicate } }], host_selection_retry_max_attempts: 5 }
                  request_mirror_policies: [{ cluster: app, runtime_fraction: { default_value: { numerator: 0, denominator: MILLION } } }]
                  prefix_rewrite: /
`;

const FILTERS = `          - name: envoy.filters.http.local_ratelimit
            typed_config:
              "@type": ${TYPE}.filters.http.local_ratelimit.v3.LocalRateLimit
              stat_prefix: limit
              token_bucket: { max_tokens: 1000000, tokens_per_fill: 1000000, fill_interval: 1s }
              filter_enabled: { default_value: { numerator: 100 } }
              filter_enforced: { default_value: { numerator: 100 } }
`;

/** Every one of them, to three addresses of the same program. */
export const ALL_POLICIES: RoutePolicies = {
  cluster: CLUSTER,
  addresses: ['127.0.0.1', '127.0.0.2', '127.0.0.3'],
  route: ROUTE,
  action: ACTION,
  filters: FILTERS,
};

/** envoy: path of its binary; undefined when it was not fetched. */
export const withPolicies = (envoy: string | undefined): readonly Subject[] => [
  sidecar('dinghy', startDinghy, ALL_POLICIES),
  optionalEnvoy(envoy, (start) => sidecar('envoy', start, ALL_POLICIES)),
];
