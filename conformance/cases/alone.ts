/** Static configurations for a proxy of a case's own: the same text drives our proxy and Envoy. */
import type { MeshUnderTest } from '../define-case.ts';

const TYPE = 'type.googleapis.com/envoy.extensions';
const LOG = '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%';

/** A listener with one HTTP connection manager. routes, filters: YAML flow lists; more: further fields of the manager. */
export interface HttpListener {
  readonly port?: number;
  readonly routes: string;
  readonly filters?: string;
  readonly more?: string;
}

const listener = (address: string, { port = 10_000, routes, filters = '', more = '' }: HttpListener): string => `
- name: at-${port}
  address: { socket_address: { address: ${address}, port_value: ${port} } }
  filter_chains:
  - filters:
    - name: envoy.filters.network.http_connection_manager
      typed_config:
        "@type": ${TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager
        stat_prefix: lone
        ${more}
        access_log:
        - name: file
          typed_config:
            "@type": ${TYPE}.access_loggers.file.v3.FileAccessLog
            path: /dev/stdout
            log_format: { text_format_source: { inline_string: "${LOG}\\n" } }
        route_config:
          name: lone-${port}
          virtual_hosts: [{ name: lone, domains: ["*"], routes: ${routes} }]
        http_filters:
        ${filters}
        - { name: envoy.filters.http.router, typed_config: { "@type": ${TYPE}.filters.http.router.v3.Router } }`;

/** A filter in front of the router. config: YAML flow of its fields. */
export const filter = (name: string, type: string, config: string): string =>
  `- { name: ${name}, typed_config: { "@type": ${TYPE}.filters.http.${type}, ${config} } }`;

/** A cluster. endpoints: YAML flow list of `load_assignment.endpoints`; more: its further fields, a line each. */
export interface StaticCluster {
  readonly name: string;
  readonly endpoints: string;
  readonly more?: readonly string[];
}

const cluster = ({ name, endpoints, more = [] }: StaticCluster): string => `
- name: ${name}
  type: STATIC
  connect_timeout: 1s
  load_assignment: { cluster_name: ${name}, endpoints: ${endpoints} }
  ${more.join('\n  ')}`;

/** One endpoint of a locality. more: further fields, `health_status: UNHEALTHY`. */
export const endpoint = (address: string, port: number, more = ''): string =>
  `{ endpoint: { address: { socket_address: { address: ${address}, port_value: ${port} } } }, ${more} }`;

/** The program of a workload as an endpoint. */
export const program = (mesh: MeshUnderTest, workload: string, more = ''): string =>
  endpoint('127.0.0.1', mesh.programPort(workload), more);

/** Endpoints of one locality without a name. */
export const among = (...endpoints: readonly string[]): string => `[{ lb_endpoints: [${endpoints.join(', ')}] }]`;

/** Every request to one cluster. action: further fields of the route action. */
export const everythingTo = (name: string, action = ''): string =>
  `[{ match: { prefix: / }, route: { cluster: ${name}, timeout: 0s, ${action} } }]`;

/** `static_resources` of those. */
export const resources =
  (listeners: readonly HttpListener[], clusters: readonly StaticCluster[]) =>
  (address: string): string =>
    `listeners:${listeners.map((one) => listener(address, one)).join('')}\nclusters:${clusters.map(cluster).join('')}\n`;
