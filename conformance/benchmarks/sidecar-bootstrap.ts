/** The Envoy bootstrap of the benchmark: one listener with a sidecar's filters in place, one static cluster; each end in plain text or over mutual TLS. */

const TYPE = 'type.googleapis.com/envoy.extensions';

/** Where one proxy listens and whom it calls. Sockets are YAML flow mappings in the indentation of nobody; absent: plain text. */
export interface RouterSeat {
  readonly listen: number;
  readonly admin: number;
  readonly upstream: number;
  readonly downstreamTls?: string;
  readonly upstreamTls?: string;
  /** Who alone may call, by the name in its certificate; absent: anybody. The program is told who it was. */
  readonly caller?: string;
  /** What the route asks for beyond being forwarded. */
  readonly policies?: RoutePolicies;
}

/** Parts of the text, each whole lines in the indentation of their place. */
export interface RoutePolicies {
  /** Fields of the cluster. */
  readonly cluster: string;
  /** Addresses of the same program. */
  readonly addresses: readonly string[];
  /** Fields of the route, and of its action. */
  readonly route: string;
  readonly action: string;
  /** HTTP filters before the router. */
  readonly filters: string;
}

const socket = (message: string, fields: string): string =>
  `transport_socket: { name: tls, typed_config: { "@type": ${TYPE}.transport_sockets.tls.v3.${message}, ${fields} } }`;

const TELL_CALLER = `          forward_client_cert_details: APPEND_FORWARD
          set_current_client_cert_details: { subject: true, dns: true, uri: true }
`;

const principal = ({ caller }: RouterSeat): string =>
  caller === undefined ? '{ any: true }' : `{ authenticated: { principal_name: { exact: "${caller}" } } }`;

const PLAIN_ACTION = `                  timeout: 0s
                  retry_policy: { retry_on: "connect-failure,refused-stream", num_retries: 2 }
`;

const endpoints = ({ upstream, policies }: RouterSeat): string =>
  (policies?.addresses ?? ['127.0.0.1'])
    .map((address) => `{ endpoint: { address: { socket_address: { address: ${address}, port_value: ${upstream} } } } }`)
    .join(', ');

/** The same text drives our proxy and Envoy. */
export const ROUTER_YAML = (seat: RouterSeat): string => `
admin: { address: { socket_address: { address: 127.0.0.1, port_value: ${seat.admin} } } }
static_resources:
  clusters:
  - name: app
    connect_timeout: 1s
    type: STATIC
    ${seat.upstreamTls === undefined ? '' : socket('UpstreamTlsContext', seat.upstreamTls)}
${seat.policies?.cluster ?? ''}    load_assignment:
      cluster_name: app
      endpoints: [{ lb_endpoints: [${endpoints(seat)}] }]
  listeners:
  - name: in
    address: { socket_address: { address: 127.0.0.1, port_value: ${seat.listen} } }
    filter_chains:
    - ${seat.downstreamTls === undefined ? 'name: plain' : socket('DownstreamTlsContext', seat.downstreamTls)}
      filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": ${TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: in
${seat.caller === undefined ? '' : TELL_CALLER}          access_log:
          - name: file
            typed_config:
              "@type": ${TYPE}.access_loggers.file.v3.FileAccessLog
              path: /dev/null
              log_format: { text_format_source: { inline_string: "%REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %DURATION%\\n" } }
          route_config:
            name: app
            virtual_hosts:
            - name: app
              domains: ["*"]
              routes:
              - match: { prefix: / }
${seat.policies?.route ?? ''}                route:
                  cluster: app
${seat.policies?.action ?? PLAIN_ACTION}          http_filters:
          - name: envoy.filters.http.rbac
            typed_config:
              "@type": ${TYPE}.filters.http.rbac.v3.RBAC
              rules:
                action: ALLOW
                policies: { all: { permissions: [{ header: { name: ":method", string_match: { exact: GET } } }], principals: [${principal(seat)}] } }
          - { name: envoy.filters.http.grpc_stats, typed_config: { "@type": ${TYPE}.filters.http.grpc_stats.v3.FilterConfig } }
          - { name: envoy.filters.http.fault, typed_config: { "@type": ${TYPE}.filters.http.fault.v3.HTTPFault } }
          - { name: envoy.filters.http.cors, typed_config: { "@type": ${TYPE}.filters.http.cors.v3.Cors } }
${seat.policies?.filters ?? ''}          - { name: envoy.filters.http.router, typed_config: { "@type": ${TYPE}.filters.http.router.v3.Router } }
`;
