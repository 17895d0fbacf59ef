/** What the three kinds of listeners share. Pure. */
import { type Any, type Filter, FilterChain, type HttpFilter, type Listener, type ListenerFilter, TrafficDirection } from '#envoy';
import type { MeshConfig } from '../../mesh/mesh.ts';
import { ADS } from '../config-source.ts';
import { pack, toDuration } from '../pack.ts';
import { accessLogs } from './access-log.ts';
import { httpFilters } from './http-filters.ts';

/** What differs between connection managers. routes: an RDS name, or routes in place. */
export interface ConnectionManagerOptions {
  readonly config: MeshConfig;
  readonly statPrefix: string;
  readonly routes: { readonly rds: string } | { readonly inline: object };
  /** True at the edge: the peer's address is the client's, and its request id is not trusted. */
  readonly edge: boolean;
  /** `server` header; empty = Envoy's own. */
  readonly serverName: string;
  /** Filters that guard the workload behind it; absent where calls leave. */
  readonly security?: readonly HttpFilter[];
  /** What becomes of `x-forwarded-client-cert`: the one caller added to those before, or only who shows a certificate here; absent: none goes on. */
  readonly clientCertificate?: 'added' | 'only';
}

/** How a path is written before routes and policies look at it. Source: istio pilot/pkg/networking/core configurePathNormalization. */
const NORMALIZED = {
  NONE: { normalizePath: false, pathWithEscapedSlashesAction: 1 },
  BASE: { normalizePath: true, pathWithEscapedSlashesAction: 1 },
  MERGE_SLASHES: { normalizePath: true, mergeSlashes: true, pathWithEscapedSlashesAction: 1 },
  DECODE_AND_MERGE_SLASHES: { normalizePath: true, mergeSlashes: true, pathWithEscapedSlashesAction: 4 },
} as const;

const TOLD = { subject: { value: true }, dns: true, uri: true };
const CLIENT_CERTIFICATE = {
  added: { forwardClientCertDetails: 2, setCurrentClientCertDetails: TOLD },
  only: { forwardClientCertDetails: 3, setCurrentClientCertDetails: TOLD },
} as const;

/** Full name of the connection manager's message. */
export const HCM = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

/** The filter that speaks HTTP. */
export const connectionManager = ({
  config,
  statPrefix,
  routes,
  edge,
  serverName,
  security,
  clientCertificate,
}: ConnectionManagerOptions): Filter =>
  networkFilter('envoy.filters.network.http_connection_manager', HCM, {
    statPrefix,
    routeSpecifier:
      'rds' in routes
        ? { $case: 'rds', value: { configSource: ADS, routeConfigName: routes.rds } }
        : { $case: 'routeConfig', value: routes.inline },
    httpFilters: httpFilters(security),
    serverName,
    useRemoteAddress: edge,
    ...NORMALIZED[config.pathNormalization],
    // The same host, so the same routes and policies. istiod leaves the dot, and a DENY of the host lets it pass (CVE-2022-24825).
    stripTrailingHostDot: true,
    ...(clientCertificate && CLIENT_CERTIFICATE[clientCertificate]),
    streamIdleTimeout: toDuration(0),
    proxy100Continue: true,
    upgradeConfigs: [{ upgradeType: 'websocket' }],
    accessLog: accessLogs(config),
  });

/** Where connections go: to one cluster, or to several by weight, under a name of their own for statistics. */
export type TcpTarget =
  | string
  | { readonly statPrefix: string; readonly clusters: readonly { readonly name: string; readonly weight: number }[] };

/** The filter that copies bytes. more: further fields of TcpProxy, such as `accessLog`, to which each connection is told. */
export const tcpProxy = (target: TcpTarget, more: object = {}): Filter =>
  networkFilter('envoy.filters.network.tcp_proxy', 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
    ...(typeof target === 'string'
      ? { statPrefix: target, clusterSpecifier: { $case: 'cluster', value: target } }
      : { statPrefix: target.statPrefix, clusterSpecifier: { $case: 'weightedClusters', value: { clusters: target.clusters } } }),
    ...more,
  });

const networkFilter = (name: string, message: string, fields: object): Filter => ({
  name,
  configType: { $case: 'typedConfig', value: pack(message, fields) as Any },
});

/** Reads the destination that the capture wrote in front of the connection. */
export const proxyProtocolFilter = (): ListenerFilter => ({
  name: 'envoy.filters.listener.proxy_protocol',
  configType: { $case: 'typedConfig', value: pack('envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol', {}) },
});

/** Reads the destination that the packet filter keeps of a connection it redirected. */
export const originalDestinationFilter = (): ListenerFilter => ({
  name: 'envoy.filters.listener.original_dst',
  configType: { $case: 'typedConfig', value: pack('envoy.extensions.filters.listener.original_dst.v3.OriginalDst', {}) },
});

/** Tells TLS from plain text, and reads what a TLS client offers. */
export const tlsInspector = (): ListenerFilter => ({
  name: 'envoy.filters.listener.tls_inspector',
  configType: { $case: 'typedConfig', value: pack('envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector', {}) },
});

/** One chain; destinationPort absent: for every connection. */
export const filterChain = (name: string, filters: readonly Filter[], destinationPort?: number): FilterChain =>
  FilterChain.fromPartial({
    name,
    filters: [...filters],
    ...(destinationPort === undefined ? {} : { filterChainMatch: { destinationPort } }),
  });

/** Fields of a listener that faces the program (`outbound`) or the network (`inbound`). */
export const direction = (side: 'inbound' | 'outbound'): Pick<Listener, 'trafficDirection'> => ({
  trafficDirection: side === 'inbound' ? TrafficDirection.INBOUND : TrafficDirection.OUTBOUND,
});
