/** Listener message → what to open and how to serve its connections. What this proxy does not do is refused with its path. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import {
  type AccessLog,
  type Address,
  type Any,
  type FilterChain,
  type FilterChainMatch,
  HttpConnectionManager,
  type Listener,
  NetworkRbac,
  TcpProxy,
} from '#envoy';
import type { SocketAddress } from '#system/network.ts';
import type { ServeHttp } from '../http/serve.ts';
import type { ChainProtocol, ServerHandshakes } from '../tls/server-context.ts';
import { checkRange } from './filter-chain-match.ts';
import { refuseOverlaps } from './filter-chain-overlap.ts';
import { compileListenerFilters, type OpeningRules } from './listener-filters.ts';
import type { TellRefused } from './refused.ts';
import type { ConnectionGuard, ServeTcp } from './tcp-proxy.ts';

/** What ends a filter chain. */
export type NetworkFilter = { readonly kind: 'http'; readonly http: ServeHttp } | { readonly kind: 'tcp'; readonly tcp: ServeTcp };

/** One chain, ready to serve. */
export interface CompiledChain {
  readonly name: string;
  readonly match: FilterChainMatch | undefined;
  readonly filter: NetworkFilter;
  /** Absent: plain text. */
  readonly tls?: ChainTls;
}

/** How a chain's clients prove who they are. */
export interface ChainTls {
  /** Equal for chains whose handshakes are configured alike. */
  readonly key: string;
  readonly handshakes: ServerHandshakes;
  readonly timeoutMs: number;
}

/** A listener ready to be opened. Immutable; the same object means "nothing changed". */
export interface CompiledListener extends OpeningRules {
  readonly name: string;
  /** What its numbers are called; empty = its address. */
  readonly statPrefix: string;
  readonly addresses: readonly SocketAddress[];
  readonly bindToPort: boolean;
  readonly useOriginalDst: boolean;
  /** 0 = wait for ever. */
  readonly sniffTimeoutMs: number;
  readonly continueOnTimeout: boolean;
  readonly chains: readonly CompiledChain[];
  readonly defaultChain: CompiledChain | undefined;
  /** Hears of connections that no chain would have. */
  readonly refused: TellRefused;
}

/** How the other rooms turn a chain's last filter into something that serves. path: what to put before the path of a ConfigError; the rest is added further out. */
export interface ListenerRooms {
  httpConnectionManager(config: HttpConnectionManager, path: string): ServeHttp;
  tcpProxy(config: TcpProxy, path: string, guards: readonly ConnectionGuard[]): ServeTcp;
  networkRbac(config: NetworkRbac, path: string): ConnectionGuard;
  /** behind: what the chain can speak. */
  downstreamTls(config: Any, behind: ChainProtocol): ServerHandshakes;
  refusals(logs: readonly AccessLog[]): TellRefused;
}

const addressOf = (address: Address | undefined): SocketAddress => {
  if (address?.address?.$case !== 'socketAddress') throw new ConfigError('address', 'only a socket_address is supported by this proxy');
  const { value } = address.address;
  if (value.protocol !== 0) throw new ConfigError('address.socket_address.protocol', 'only TCP is supported by this proxy');
  const port = value.portSpecifier?.$case === 'portValue' ? value.portSpecifier.value : -1;
  if (port < 0 || port > 65_535) throw new ConfigError('address.socket_address.port_value', 'must be 0…65535');
  return { address: value.address, port };
};

const typeOf = (any: Any): string => any.typeUrl.slice(any.typeUrl.lastIndexOf('/') + 1);

const configOf = ({ configType }: FilterChain['filters'][number]): Any => {
  if (configType?.$case !== 'typedConfig') throw new ConfigError('typed_config', 'is missing');
  return configType.value;
};

const NETWORK_RBAC = 'envoy.extensions.filters.network.rbac.v3.RBAC';

/** Before the filter that serves may stand some that only let connections through, or not. */
const guardsOf = (chain: FilterChain, rooms: ListenerRooms): ConnectionGuard[] =>
  chain.filters.slice(0, -1).map((filter, index) =>
    inField(`filters[${index}]`, () => {
      const any = configOf(filter);
      if (typeOf(any) !== NETWORK_RBAC)
        throw new ConfigError('typed_config', `${typeOf(any)} is not supported by this proxy before another filter`);
      return rooms.networkRbac(NetworkRbac.decode(any.value), 'typed_config');
    }),
  );

const networkFilter = (chain: FilterChain, rooms: ListenerRooms): NetworkFilter => {
  const last = chain.filters.at(-1);
  if (!last) throw new ConfigError('filters', 'at least one network filter is needed');
  const guards = guardsOf(chain, rooms);
  return inField(`filters[${guards.length}]`, () => {
    const any = configOf(last);
    const at = 'typed_config';
    switch (typeOf(any)) {
      case 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager':
        if (guards.length > 0)
          throw new ConfigError(at, 'no other filter before it is supported by this proxy; requests have an RBAC filter of their own');
        return { kind: 'http', http: rooms.httpConnectionManager(HttpConnectionManager.decode(any.value), at) };
      case 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy':
        return { kind: 'tcp', tcp: rooms.tcpProxy(TcpProxy.decode(any.value), at, guards) };
      default:
        throw new ConfigError('typed_config', `${typeOf(any)} is not supported by this proxy`);
    }
  });
};

const checkMatch = (match: FilterChainMatch): void => {
  refuseUnsupported(match, {
    read: [
      'destinationPort',
      'prefixRanges',
      'directSourcePrefixRanges',
      'sourceType',
      'sourcePrefixRanges',
      'sourcePorts',
      'serverNames',
      'transportProtocol',
      'applicationProtocols',
    ],
  });
  for (const [index, name] of match.serverNames.entries()) {
    if (name.replace(/^\*\./, '').includes('*'))
      throw new ConfigError(`server_names[${index}]`, 'only a whole first label can be a wildcard: *.example.com');
  }
  for (const field of ['prefixRanges', 'directSourcePrefixRanges', 'sourcePrefixRanges'] as const) {
    for (const [index, range] of match[field].entries())
      inField(`${field.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)}[${index}]`, () => checkRange(range));
  }
};

const compileChain = (chain: FilterChain, rooms: ListenerRooms): CompiledChain => {
  refuseUnsupported(chain, {
    read: ['filterChainMatch', 'filters', 'transportSocket', 'transportSocketConnectTimeout'],
    ignored: ['name', 'metadata'],
  });
  const match = chain.filterChainMatch;
  if (match) inField('filter_chain_match', () => checkMatch(match));
  const filter = networkFilter(chain, rooms);
  const tls = transportOf(chain, filter.kind === 'http' && filter.http.settings.codec === 'http1' ? 'http1' : 'any', rooms);
  return { name: chain.name, match, filter, ...(tls && { tls }) };
};

const TLS_CONTEXT = 'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext';
/** Envoy waits for ever; a client that takes longer holds a socket for nothing. */
const HANDSHAKE_MS = 10_000;

const transportOf = (chain: FilterChain, behind: ChainProtocol, rooms: ListenerRooms): ChainTls | undefined => {
  const { transportSocket: socket, transportSocketConnectTimeout: timeout } = chain;
  if (!socket) return undefined;
  return inField('transport_socket', () => {
    const config = socket.configType?.value;
    const type = config && typeOf(config);
    if (type?.endsWith('RawBuffer')) return undefined;
    if (!config || type !== TLS_CONTEXT) throw new ConfigError('', `${socket.name || 'this one'} is not supported by this proxy`);
    const handshakes = inField('typed_config', () => rooms.downstreamTls(config, behind));
    const timeoutMs = timeout ? timeout.seconds * 1000 + timeout.nanos / 1e6 : 0;
    return { key: Buffer.from(config.value).toString('base64'), handshakes, timeoutMs: timeoutMs || HANDSHAKE_MS };
  });
};

/** Throws ConfigError with the path inside the listener. */
export const compileListener = (listener: Listener, rooms: ListenerRooms): CompiledListener => {
  refuseUnsupported(listener, {
    read: [
      'name',
      'statPrefix',
      'address',
      'additionalAddresses',
      'filterChains',
      'useOriginalDst',
      'defaultFilterChain',
      'listenerFilters',
      'listenerFiltersTimeout',
      'continueOnListenerFiltersTimeout',
      'bindToPort',
      'accessLog',
    ],
    ignored: [
      'metadata',
      'trafficDirection',
      'drainType',
      'enableReusePort',
      'reusePort',
      'connectionBalanceConfig',
      'perConnectionBufferLimitBytes',
      'tcpBacklogSize',
      'maxConnectionsToAcceptPerSocketEvent',
      'ignoreGlobalConnLimit',
    ],
  });
  const chains = listener.filterChains.map((chain, index) => inField(`filter_chains[${index}]`, () => compileChain(chain, rooms)));
  refuseOverlaps(chains);
  const last = listener.defaultFilterChain;
  const defaultChain = last && inField('default_filter_chain', () => compileChain(last, rooms));
  if (chains.length === 0 && !defaultChain) throw new ConfigError('filter_chains', 'at least one is needed');
  const timeout = listener.listenerFiltersTimeout;
  return {
    name: listener.name,
    statPrefix: listener.statPrefix,
    addresses: [
      addressOf(listener.address),
      ...listener.additionalAddresses.map((more, index) => inField(`additional_addresses[${index}]`, () => addressOf(more.address))),
    ],
    bindToPort: listener.bindToPort ?? true,
    useOriginalDst: listener.useOriginalDst ?? false,
    ...compileListenerFilters(listener),
    sniffTimeoutMs: timeout ? timeout.seconds * 1000 + timeout.nanos / 1e6 : 15_000,
    continueOnTimeout: listener.continueOnListenerFiltersTimeout,
    chains,
    defaultChain,
    refused: inField('access_log', () => rooms.refusals(listener.accessLog)),
  };
};
