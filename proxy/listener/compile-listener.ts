/** Listener message → what to open and how to serve its connections. What this proxy does not do is refused with its path. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import {
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
import { checkRange } from './filter-chain-match.ts';
import { compileListenerFilters, type OpeningRules } from './listener-filters.ts';
import type { ConnectionGuard, ServeTcp } from './tcp-proxy.ts';

/** What ends a filter chain. */
export type NetworkFilter = { readonly kind: 'http'; readonly http: ServeHttp } | { readonly kind: 'tcp'; readonly tcp: ServeTcp };

/** One chain, ready to serve. */
export interface CompiledChain {
  readonly name: string;
  readonly match: FilterChainMatch | undefined;
  readonly filter: NetworkFilter;
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
}

/** How the other rooms turn a chain's last filter into something that serves. path: what to put before the path of a ConfigError; the rest is added further out. */
export interface ListenerRooms {
  httpConnectionManager(config: HttpConnectionManager, path: string): ServeHttp;
  tcpProxy(config: TcpProxy, path: string, guards: readonly ConnectionGuard[]): ServeTcp;
  networkRbac(config: NetworkRbac, path: string): ConnectionGuard;
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

/** What http_inspector can tell; all else would be read from a TLS greeting, and so would server names. */
const PLAIN_PROTOCOLS = new Set(['http/1.0', 'http/1.1', 'h2c']);

const checkMatch = (match: FilterChainMatch): void => {
  refuseUnsupported(match, {
    read: [
      'destinationPort',
      'prefixRanges',
      'directSourcePrefixRanges',
      'sourceType',
      'sourcePrefixRanges',
      'sourcePorts',
      'transportProtocol',
      'applicationProtocols',
    ],
  });
  for (const [index, protocol] of match.applicationProtocols.entries()) {
    if (!PLAIN_PROTOCOLS.has(protocol))
      throw new ConfigError(
        `application_protocols[${index}]`,
        `${JSON.stringify(protocol)} comes with TLS only, which is not supported by this proxy`,
      );
  }
  for (const field of ['prefixRanges', 'directSourcePrefixRanges', 'sourcePrefixRanges'] as const) {
    for (const [index, range] of match[field].entries())
      inField(`${field.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)}[${index}]`, () => checkRange(range));
  }
};

const compileChain = (chain: FilterChain, rooms: ListenerRooms): CompiledChain => {
  refuseUnsupported(chain, {
    read: ['filterChainMatch', 'filters', 'transportSocket'],
    ignored: ['name', 'metadata', 'transportSocketConnectTimeout'],
  });
  const socket = chain.transportSocket?.configType;
  if (chain.transportSocket && !(socket && typeOf(socket.value).endsWith('RawBuffer'))) {
    throw new ConfigError('transport_socket', `${chain.transportSocket.name || 'this one'} is not supported by this proxy`);
  }
  const match = chain.filterChainMatch;
  if (match) inField('filter_chain_match', () => checkMatch(match));
  return { name: chain.name, match, filter: networkFilter(chain, rooms) };
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
  };
};
