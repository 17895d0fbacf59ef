/** How connections to a cluster's hosts are opened, kept and closed. Source: extensions.upstreams.http.v3.HttpProtocolOptions. */

import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import { type Any, type Cluster, type Duration, HttpProtocolOptions } from '#envoy';
import { compileHttp2Options, HTTP2_DEFAULTS, type Http2Options } from '../http/http2/http2-options.ts';
import { type AutoName, NO_AUTO_NAME } from '../tls/client-context.ts';

/** Times in milliseconds; 0 = no limit. */
export interface ConnectionOptions {
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxDurationMs: number;
  readonly maxRequests: number;
  /** Of one exchange, from when it has a connection. */
  readonly maxStreamMs: number;
  /** Fields of a response head. */
  readonly maxHeaders: number;
  readonly maxHeadBytes: number;
  /** Silence after which the system asks whether the other end is still there; undefined = it does not ask. */
  readonly keepAliveMs: number | undefined;
  /** Whether TLS asks for, and insists on, the host that each request names. */
  readonly autoName: AutoName;
  /** What its hosts are spoken to in; downstream: as the client speaks to us. */
  readonly protocol: 'http1' | 'http2' | 'downstream';
  readonly http2: Http2Options;
}

type CommonOptions = NonNullable<Cluster['commonHttpProtocolOptions']>;

const OPTIONS_KEY = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const HOUR_MS = 3_600_000;

const milliseconds = (duration: Duration): number => duration.seconds * 1000 + duration.nanos / 1e6;

type CommonPart = Pick<ConnectionOptions, 'idleTimeoutMs' | 'maxDurationMs' | 'maxStreamMs' | 'maxHeaders' | 'maxRequests'>;

const PLAIN: CommonPart = { idleTimeoutMs: HOUR_MS, maxDurationMs: 0, maxStreamMs: 0, maxHeaders: 100, maxRequests: 0 };
/** Envoy's limit for a response head. */
const MAX_HEAD_BYTES = 80 * 1024;

const compileCommon = (options: CommonOptions): CommonPart => {
  refuseUnsupported(options, {
    read: ['idleTimeout', 'maxConnectionDuration', 'maxStreamDuration', 'maxHeadersCount', 'maxRequestsPerConnection'],
  });
  if (options.maxHeadersCount === 0) throw new ConfigError('max_headers_count', 'must be at least 1');
  return {
    idleTimeoutMs: options.idleTimeout ? milliseconds(options.idleTimeout) : PLAIN.idleTimeoutMs,
    maxDurationMs: options.maxConnectionDuration ? milliseconds(options.maxConnectionDuration) : PLAIN.maxDurationMs,
    maxStreamMs: options.maxStreamDuration ? milliseconds(options.maxStreamDuration) : PLAIN.maxStreamMs,
    maxHeaders: options.maxHeadersCount ?? PLAIN.maxHeaders,
    maxRequests: options.maxRequestsPerConnection ?? PLAIN.maxRequests,
  };
};

/** Linux' own, where nothing is said. */
const KEEP_ALIVE_SECONDS = 7200;

/** The runtime can set the first pause only: how often it asks then, and after how many unanswered questions it gives up, are its own. */
const compileKeepAlive = ({ upstreamConnectionOptions: options }: Cluster): number | undefined => {
  if (!options) return undefined;
  return inField('upstream_connection_options', () => {
    refuseUnsupported(options, { read: ['tcpKeepalive'] });
    const { tcpKeepalive } = options;
    if (!tcpKeepalive) return undefined;
    inField('tcp_keepalive', () =>
      refuseUnsupported(tcpKeepalive, { read: ['keepaliveTime'], ignored: ['keepaliveProbes', 'keepaliveInterval'] }),
    );
    return (tcpKeepalive.keepaliveTime ?? KEEP_ALIVE_SECONDS) * 1000;
  });
};

type Protocol = Pick<ConnectionOptions, 'protocol' | 'http2'>;

const HTTP1: Protocol = { protocol: 'http1', http2: HTTP2_DEFAULTS };

type Http1Options = NonNullable<Cluster['httpProtocolOptions']>;

const checkHttp1 = (field: string, options: Http1Options | undefined): void => {
  if (options) inField(field, () => refuseUnsupported(options, { read: [] }));
};

type Upstream = NonNullable<HttpProtocolOptions['upstreamProtocolOptions']>;

const explicitOf = ({ protocolConfig: config }: Extract<Upstream, { $case: 'explicitHttpConfig' }>['value']): Protocol => {
  if (config?.$case === 'http3ProtocolOptions')
    throw new ConfigError('http3_protocol_options', 'only http_protocol_options and http2_protocol_options are supported');
  if (config?.$case === 'httpProtocolOptions') checkHttp1('http_protocol_options', config.value);
  if (config?.$case !== 'http2ProtocolOptions') return HTTP1;
  return { protocol: 'http2', http2: inField('http2_protocol_options', () => compileHttp2Options(config.value)) };
};

const compileProtocol = (options: HttpProtocolOptions): Protocol => {
  refuseUnsupported(options, { read: ['commonHttpProtocolOptions', 'upstreamHttpProtocolOptions', 'upstreamProtocolOptions'] });
  const chosen = options.upstreamProtocolOptions;
  switch (chosen?.$case) {
    case 'autoConfig':
      throw new ConfigError('auto_config', 'not supported by this proxy');
    case 'explicitHttpConfig':
      return inField('explicit_http_config', () => explicitOf(chosen.value));
    case 'useDownstreamProtocolConfig':
      return inField('use_downstream_protocol_config', () => {
        refuseUnsupported(chosen.value, { read: ['httpProtocolOptions', 'http2ProtocolOptions'] });
        checkHttp1('http_protocol_options', chosen.value.httpProtocolOptions);
        return {
          protocol: 'downstream',
          http2: inField('http2_protocol_options', () => compileHttp2Options(chosen.value.http2ProtocolOptions)),
        };
      });
    case undefined:
      return HTTP1;
  }
};

const decodeOptions = (any: Any): HttpProtocolOptions => {
  if (!any.typeUrl.endsWith(`/${OPTIONS_KEY}`)) throw new ConfigError('', `unexpected type ${any.typeUrl}`);
  try {
    return HttpProtocolOptions.decode(any.value);
  } catch (cause) {
    throw new ConfigError('', 'cannot be decoded', { cause });
  }
};

const autoNameOf = ({ upstreamHttpProtocolOptions: options }: HttpProtocolOptions): AutoName => {
  if (!options) return NO_AUTO_NAME;
  inField('upstream_http_protocol_options', () => refuseUnsupported(options, { read: ['autoSni', 'autoSanValidation'] }));
  return { isAsked: options.autoSni, isRequired: options.autoSanValidation };
};

interface TypedOptions extends Pick<ConnectionOptions, 'autoName'> {
  readonly common: CommonOptions | undefined;
  readonly protocol: Protocol;
}

/** The field that came before typed options. */
const oldProtocolOf = ({ http2ProtocolOptions: options }: Cluster): Protocol =>
  options ? { protocol: 'http2', http2: inField('http2_protocol_options', () => compileHttp2Options(options)) } : HTTP1;

const typedOptions = (cluster: Cluster): TypedOptions => {
  let common = cluster.commonHttpProtocolOptions;
  let protocol = oldProtocolOf(cluster);
  let autoName = NO_AUTO_NAME;
  for (const [key, any] of Object.entries(cluster.typedExtensionProtocolOptions)) {
    inField(`typed_extension_protocol_options[${key}]`, () => {
      if (key !== OPTIONS_KEY) throw new ConfigError('', 'not supported by this proxy');
      const options = decodeOptions(any);
      protocol = compileProtocol(options);
      common = options.commonHttpProtocolOptions;
      autoName = autoNameOf(options);
    });
  }
  return { common, autoName, protocol };
};

/** Throws ConfigError with a path relative to the cluster. */
export const compileConnectionOptions = (cluster: Cluster): ConnectionOptions => {
  const connectTimeoutMs = cluster.connectTimeout ? milliseconds(cluster.connectTimeout) : 5000;
  if (connectTimeoutMs <= 0) throw new ConfigError('connect_timeout', 'must be greater than 0s');
  checkHttp1('http_protocol_options', cluster.httpProtocolOptions);
  const { common, autoName, protocol } = typedOptions(cluster);
  const rest = common ? inField('common_http_protocol_options', () => compileCommon(common)) : PLAIN;
  return {
    connectTimeoutMs,
    autoName,
    ...protocol,
    maxHeadBytes: MAX_HEAD_BYTES,
    keepAliveMs: compileKeepAlive(cluster),
    ...rest,
    // The field that is in force since Envoy has it in both places.
    maxRequests: common?.maxRequestsPerConnection ?? cluster.maxRequestsPerConnection ?? 0,
  };
};
