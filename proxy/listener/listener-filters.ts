/** Listener filters → what is read of a connection before its chain is picked. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import { HttpInspector, type Listener, type ListenerFilter, ProxyProtocol, TlsInspector } from '#envoy';
import type { Looks } from './protocol-sniff.ts';

type Predicate = NonNullable<ListenerFilter['filterDisabled']>;

/** What a connection must tell first. */
export interface OpeningRules {
  /** The packet filter knows where a connection was going. */
  readonly originalDst: boolean;
  readonly proxyProtocol: 'none' | 'required' | 'optional';
  /** What to look for in the first bytes of a connection to that port. */
  readonly looksAt: (port: number) => Looks;
}

const typeOf = (filter: ListenerFilter): string => {
  if (filter.configType?.$case === 'configDiscovery') throw new ConfigError('config_discovery', 'not supported by this proxy');
  const { typeUrl } = filter.configType?.value ?? { typeUrl: filter.name };
  return typeUrl.slice(typeUrl.lastIndexOf('/') + 1);
};

const bytesOf = (filter: ListenerFilter): Uint8Array =>
  filter.configType?.$case === 'typedConfig' ? filter.configType.value.value : new Uint8Array(0);

/** Ports at which a filter is left out. */
const compilePredicate = (predicate: Predicate): ((port: number) => boolean) => {
  const { rule } = predicate;
  switch (rule?.$case) {
    case 'anyMatch':
      return () => rule.value;
    case 'destinationPortRange': {
      const { start, end } = rule.value;
      return (port) => port >= start && port < end;
    }
    case 'notMatch': {
      const inner = inField('not_match', () => compilePredicate(rule.value));
      return (port) => !inner(port);
    }
    case 'orMatch':
    case 'andMatch': {
      const field = rule.$case === 'orMatch' ? 'or_match' : 'and_match';
      const all = rule.value.rules.map((each, index) => inField(`${field}.rules[${index}]`, () => compilePredicate(each)));
      return rule.$case === 'orMatch' ? (port) => all.some((test) => test(port)) : (port) => all.every((test) => test(port));
    }
    case undefined:
      throw new ConfigError('rule', 'is missing');
  }
};

const proxyProtocolOf = (filter: ListenerFilter): OpeningRules['proxyProtocol'] =>
  inField('typed_config', () => {
    const config = ProxyProtocol.decode(bytesOf(filter));
    refuseUnsupported(config, { read: ['allowRequestsWithoutProxyProtocol'], ignored: ['statPrefix'] });
    return config.allowRequestsWithoutProxyProtocol ? 'optional' : 'required';
  });

type Inspector = (port: number) => Looks;

const inspectorOf = (filter: ListenerFilter, kind: 'tls' | 'http'): Inspector => {
  inField('typed_config', () => {
    if (kind === 'http') refuseUnsupported(HttpInspector.decode(bytesOf(filter)), { read: [] });
    // How much is read at once is this proxy's own business.
    else refuseUnsupported(TlsInspector.decode(bytesOf(filter)), { read: [], ignored: ['initialReadBufferSize'] });
  });
  const { filterDisabled } = filter;
  const disabled = filterDisabled ? inField('filter_disabled', () => compilePredicate(filterDisabled)) : () => false;
  return (port) => ({ tls: kind === 'tls' && !disabled(port), http: kind === 'http' && !disabled(port) });
};

/** Throws ConfigError with the path inside the listener. */
export const compileListenerFilters = (listener: Listener): OpeningRules => {
  let originalDst = false;
  let proxyProtocol: OpeningRules['proxyProtocol'] = 'none';
  const inspectors: Inspector[] = [];
  for (const [index, filter] of listener.listenerFilters.entries()) {
    inField(`listener_filters[${index}]`, () => {
      const type = typeOf(filter);
      const inspector = /(tls|http)_?inspector$/i.exec(type)?.[1]?.toLowerCase();
      refuseUnsupported(filter, { read: inspector ? ['name', 'configType', 'filterDisabled'] : ['name', 'configType'] });
      if (inspector === 'tls' || inspector === 'http') inspectors.push(inspectorOf(filter, inspector));
      else if (type.endsWith('ProxyProtocol') || type === 'envoy.filters.listener.proxy_protocol') proxyProtocol = proxyProtocolOf(filter);
      else if (/OriginalDst$|original_dst$/.test(type)) originalDst = true;
      else throw new ConfigError('typed_config', `${type} is not supported by this proxy`);
    });
  }
  // use_original_dst brings the filter with it; a PROXY line would have the last word anyway.
  if (listener.useOriginalDst && proxyProtocol === 'none') originalDst = true;
  const looksAt = (port: number): Looks => {
    const all = inspectors.map((inspect) => inspect(port));
    return { tls: all.some(({ tls }) => tls), http: all.some(({ http }) => http) };
  };
  return { originalDst, proxyProtocol, looksAt };
};
