/** The Envoy messages that both planes speak. At run time this is gen/envoy.mjs, one bundle (package.json, "imports"). */

export { AccessLog } from './gen/envoy/config/accesslog/v3/accesslog.ts';
export { Bootstrap } from './gen/envoy/config/bootstrap/v3/bootstrap.ts';
export type { CircuitBreakers } from './gen/envoy/config/cluster/v3/circuit_breaker.ts';
export { Cluster, Cluster_DiscoveryType, Cluster_LbPolicy } from './gen/envoy/config/cluster/v3/cluster.ts';
export type { OutlierDetection } from './gen/envoy/config/cluster/v3/outlier_detection.ts';
export { Address, type CidrRange, SocketAddress, SocketAddress_Protocol } from './gen/envoy/config/core/v3/address.ts';
export {
  ControlPlane,
  DataSource,
  type HeaderValueOption,
  Locality,
  Metadata,
  Node,
  RoutingPriority,
  type RuntimeFractionalPercent,
  TrafficDirection,
  type TransportSocket,
} from './gen/envoy/config/core/v3/base.ts';
export {
  AggregatedConfigSource,
  ApiConfigSource,
  ApiConfigSource_ApiType,
  ApiVersion,
  ConfigSource,
} from './gen/envoy/config/core/v3/config_source.ts';
export type {
  HealthCheck,
  HealthCheck_GrpcHealthCheck,
  HealthCheck_HttpHealthCheck,
  HealthCheck_Payload,
  HealthCheck_TcpHealthCheck,
} from './gen/envoy/config/core/v3/health_check.ts';
export { ClusterLoadAssignment } from './gen/envoy/config/endpoint/v3/endpoint.ts';
export { LbEndpoint, LocalityLbEndpoints } from './gen/envoy/config/endpoint/v3/endpoint_components.ts';
export { Listener } from './gen/envoy/config/listener/v3/listener.ts';
export { Filter, FilterChain, FilterChainMatch, ListenerFilter } from './gen/envoy/config/listener/v3/listener_components.ts';
export { Permission, type Policy, Principal, RBAC, RBAC_Action } from './gen/envoy/config/rbac/v3/rbac.ts';
export { RouteConfiguration } from './gen/envoy/config/route/v3/route.ts';
export {
  type DirectResponseAction,
  HeaderMatcher,
  QueryParameterMatcher,
  RedirectAction,
  RetryPolicy,
  Route,
  RouteAction,
  RouteMatch,
  VirtualHost,
  WeightedCluster,
} from './gen/envoy/config/route/v3/route_components.ts';
export { FileAccessLog } from './gen/envoy/extensions/access_loggers/file/v3/file.ts';
export { StdoutAccessLog } from './gen/envoy/extensions/access_loggers/stream/v3/stream.ts';
export { Cors, CorsPolicy } from './gen/envoy/extensions/filters/http/cors/v3/cors.ts';
export { ExtAuthz, ExtAuthzPerRoute } from './gen/envoy/extensions/filters/http/ext_authz/v3/ext_authz.ts';
export { HTTPFault } from './gen/envoy/extensions/filters/http/fault/v3/fault.ts';
export { FilterConfig as GrpcStats } from './gen/envoy/extensions/filters/http/grpc_stats/v3/config.ts';
export {
  JwtAuthentication,
  type JwtProvider,
  type JwtRequirement,
  PerRouteConfig as JwtPerRoute,
} from './gen/envoy/extensions/filters/http/jwt_authn/v3/config.ts';
export { LocalRateLimit } from './gen/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit.ts';
export { RBAC as HttpRbac, RBACPerRoute } from './gen/envoy/extensions/filters/http/rbac/v3/rbac.ts';
export { Router } from './gen/envoy/extensions/filters/http/router/v3/router.ts';
export { HttpInspector } from './gen/envoy/extensions/filters/listener/http_inspector/v3/http_inspector.ts';
export { OriginalDst } from './gen/envoy/extensions/filters/listener/original_dst/v3/original_dst.ts';
export { ProxyProtocol } from './gen/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol.ts';
export { TlsInspector } from './gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector.ts';
export {
  HttpConnectionManager,
  HttpConnectionManager_CodecType,
  HttpFilter,
  Rds,
} from './gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts';
export { RBAC as NetworkRbac } from './gen/envoy/extensions/filters/network/rbac/v3/rbac.ts';
export { TcpProxy } from './gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.ts';
export type { LocalityLbConfig, SlowStartConfig } from './gen/envoy/extensions/load_balancing_policies/common/v3/common.ts';
export { LeastRequest as LeastRequestPolicy } from './gen/envoy/extensions/load_balancing_policies/least_request/v3/least_request.ts';
export { Maglev as MaglevPolicy } from './gen/envoy/extensions/load_balancing_policies/maglev/v3/maglev.ts';
export { Random as RandomPolicy } from './gen/envoy/extensions/load_balancing_policies/random/v3/random.ts';
export { RingHash as RingHashPolicy } from './gen/envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash.ts';
export { RoundRobin as RoundRobinPolicy } from './gen/envoy/extensions/load_balancing_policies/round_robin/v3/round_robin.ts';
export { UriTemplateMatchConfig } from './gen/envoy/extensions/path/match/uri_template/v3/uri_template_match.ts';
export { OmitHostMetadataConfig } from './gen/envoy/extensions/retry/host/omit_host_metadata/v3/omit_host_metadata_config.ts';
export { PreviousPrioritiesConfig } from './gen/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config.ts';
export { RawBuffer } from './gen/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.ts';
export {
  CertificateValidationContext,
  SubjectAltNameMatcher,
  SubjectAltNameMatcher_SanType,
  TlsCertificate,
  TlsParameters,
  TlsParameters_TlsProtocol,
} from './gen/envoy/extensions/transport_sockets/tls/v3/common.ts';
export { SdsSecretConfig, Secret } from './gen/envoy/extensions/transport_sockets/tls/v3/secret.ts';
export { CommonTlsContext, DownstreamTlsContext, UpstreamTlsContext } from './gen/envoy/extensions/transport_sockets/tls/v3/tls.ts';
export { HttpProtocolOptions } from './gen/envoy/extensions/upstreams/http/v3/http_protocol_options.ts';
export { AttributeContext } from './gen/envoy/service/auth/v3/attribute_context.ts';
export { CheckRequest, CheckResponse } from './gen/envoy/service/auth/v3/external_auth.ts';
export { DiscoveryRequest, DiscoveryResponse } from './gen/envoy/service/discovery/v3/discovery.ts';
export { MetadataMatcher } from './gen/envoy/type/matcher/v3/metadata.ts';
export type { PathMatcher } from './gen/envoy/type/matcher/v3/path.ts';
export { type RegexMatchAndSubstitute, RegexMatcher } from './gen/envoy/type/matcher/v3/regex.ts';
export { StringMatcher } from './gen/envoy/type/matcher/v3/string.ts';
export { ValueMatcher } from './gen/envoy/type/matcher/v3/value.ts';
export { FractionalPercent, FractionalPercent_DenominatorType } from './gen/envoy/type/v3/percent.ts';
export type { TokenBucket } from './gen/envoy/type/v3/token_bucket.ts';
export { fieldTableJson } from './gen/fields.ts';
export { Any } from './gen/google/protobuf/any.ts';
export { Duration } from './gen/google/protobuf/duration.ts';
export type { MessageFns } from './gen/google/protobuf/message-fns.ts';
export { messageTypes } from './gen/google/protobuf/message-types.ts';
export { IstioCertificateRequest, IstioCertificateResponse } from './gen/istio/v1/auth/ca.ts';
