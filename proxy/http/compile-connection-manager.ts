/** HttpConnectionManager message → settings of a connection manager. What this proxy does not do is refused with its path. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { Duration, HttpConnectionManager } from '#envoy';
import { addressRanges, ipFamily } from '#system/ip.ts';
import { ConnectionManager, type ConnectionManagerRooms, type ConnectionManagerSettings } from './connection-manager.ts';
import { type ClientCertDetail, type ClientCertRules, clientCertDescription, type ForwardingRules } from './forwarding-headers.ts';
import { compileHttp2Options } from './http2/http2-options.ts';
import type { PathRules } from './normalize-path.ts';
import { SERVER_DEFAULTS, type ServerSettings } from './serve.ts';

const millis = (duration: Duration | undefined, otherwise: number): number =>
  duration === undefined ? otherwise : duration.seconds * 1000 + duration.nanos / 1e6;

const ESCAPED_SLASHES: readonly PathRules['escapedSlashes'][] = ['keep', 'keep', 'reject', 'unescape-redirect', 'unescape'];
const SERVER_HEADER: readonly ConnectionManagerSettings['serverHeader'][] = ['overwrite', 'append-if-absent', 'pass-through'];

const upgradesOf = (config: HttpConnectionManager): Set<string> => {
  const upgrades = new Set<string>();
  for (const [index, upgrade] of config.upgradeConfigs.entries()) {
    inField(`upgrade_configs[${index}]`, () => {
      refuseUnsupported(upgrade, { read: ['upgradeType', 'enabled'] });
      const type = upgrade.upgradeType.toLowerCase();
      if (type === 'connect' || type === 'connect-udp') throw new ConfigError('upgrade_type', `${type} is not supported by this proxy`);
      if (upgrade.enabled !== false) upgrades.add(type);
    });
  }
  return upgrades;
};

const UNDERSCORES: readonly ServerSettings['underscores'][] = ['allow', 'reject', 'drop'];

const commonOf = (config: HttpConnectionManager): Pick<ServerSettings, 'idleTimeoutMs' | 'maxHeaders' | 'maxRequests' | 'underscores'> => {
  const common = config.commonHttpProtocolOptions;
  if (common) {
    const read = [
      'idleTimeout',
      'maxHeadersCount',
      'maxStreamDuration',
      'maxRequestsPerConnection',
      'headersWithUnderscoresAction',
    ] as const;
    inField('common_http_protocol_options', () => refuseUnsupported(common, { read }));
  }
  return {
    idleTimeoutMs: millis(common?.idleTimeout, SERVER_DEFAULTS.idleTimeoutMs),
    maxHeaders: common?.maxHeadersCount ?? SERVER_DEFAULTS.maxHeaders,
    maxRequests: common?.maxRequestsPerConnection ?? SERVER_DEFAULTS.maxRequests,
    underscores: UNDERSCORES[common?.headersWithUnderscoresAction ?? 0] ?? SERVER_DEFAULTS.underscores,
  };
};

const http1Of = (config: HttpConnectionManager): Pick<ServerSettings, 'customMethods' | 'trailers'> => {
  const http1 = config.httpProtocolOptions;
  if (!http1) return { customMethods: SERVER_DEFAULTS.customMethods, trailers: SERVER_DEFAULTS.trailers };
  return inField('http_protocol_options', () => {
    if (http1.acceptHttp10) throw new ConfigError('accept_http_10', 'not supported by this proxy');
    refuseUnsupported(http1, { read: ['acceptHttp10', 'allowAbsoluteUrl', 'enableTrailers', 'allowCustomMethods', 'useBalsaParser'] });
    if (http1.allowAbsoluteUrl === false) throw new ConfigError('allow_absolute_url', 'false is not supported by this proxy');
    if (http1.useBalsaParser === false) throw new ConfigError('use_balsa_parser', 'false is not supported by this proxy');
    return { customMethods: http1.allowCustomMethods, trailers: http1.enableTrailers };
  });
};

const CODECS: readonly ServerSettings['codec'][] = ['auto', 'http1', 'http2'];

const codecOf = ({ codecType }: HttpConnectionManager): ServerSettings['codec'] => {
  const codec = CODECS[codecType];
  if (!codec) throw new ConfigError('codec_type', 'HTTP/3 is not supported by this proxy');
  return codec;
};

const serverOf = (config: HttpConnectionManager): ServerSettings => ({
  ...commonOf(config),
  ...http1Of(config),
  maxHeadBytes: (config.maxRequestHeadersKb ?? 60) * 1024,
  headTimeoutMs: millis(config.requestHeadersTimeout, 0) || SERVER_DEFAULTS.headTimeoutMs,
  streamIdleTimeoutMs: millis(config.streamIdleTimeout, SERVER_DEFAULTS.streamIdleTimeoutMs),
  requestTimeoutMs: millis(config.requestTimeout, SERVER_DEFAULTS.requestTimeoutMs),
  delayedCloseMs: millis(config.delayedCloseTimeout, SERVER_DEFAULTS.delayedCloseMs),
  upgrades: upgradesOf(config),
  proxy100Continue: config.proxy100Continue,
  codec: codecOf(config),
  http2: inField('http2_protocol_options', () => compileHttp2Options(config.http2ProtocolOptions)),
  drainTimeoutMs: millis(config.drainTimeout, SERVER_DEFAULTS.drainTimeoutMs),
});

const CLIENT_CERT_MODES: readonly ClientCertRules['mode'][] = [
  'sanitize',
  'forward-only',
  'append-forward',
  'sanitize-set',
  'always-forward-only',
];
const CLIENT_CERT_DETAILS: readonly ClientCertDetail[] = ['subject', 'cert', 'chain', 'dns', 'uri'];

const clientCertOf = (config: HttpConnectionManager): ClientCertRules => {
  const mode = CLIENT_CERT_MODES[config.forwardClientCertDetails];
  if (!mode) throw new ConfigError('forward_client_cert_details', 'unknown value');
  const wanted = config.setCurrentClientCertDetails;
  if (wanted) inField('set_current_client_cert_details', () => refuseUnsupported(wanted, { read: CLIENT_CERT_DETAILS }));
  return { mode, describe: clientCertDescription(new Set(CLIENT_CERT_DETAILS.filter((detail) => wanted?.[detail]))) };
};

const forwardingOf = (config: HttpConnectionManager): ForwardingRules => ({
  useRemoteAddress: config.useRemoteAddress ?? false,
  trustedHops: config.xffNumTrustedHops,
  skipXffAppend: config.skipXffAppend,
  generateRequestId: config.generateRequestId ?? true,
  preserveExternalRequestId: config.preserveExternalRequestId,
  via: config.via,
  clientCert: clientCertOf(config),
  isInternal: internalOf(config),
});

/** Undefined when nobody is internal: Envoy's default, too, so long as nothing is named. */
const internalOf = ({ internalAddressConfig: internal }: HttpConnectionManager): ForwardingRules['isInternal'] =>
  internal &&
  inField('internal_address_config', () => {
    // Clients are never at a Unix socket here.
    refuseUnsupported(internal, { read: ['cidrRanges'], ignored: ['unixSockets'] });
    if (internal.cidrRanges.length === 0) return undefined;
    const ranges = addressRanges();
    for (const [index, { addressPrefix, prefixLen = 0 }] of internal.cidrRanges.entries()) {
      const family = ipFamily(addressPrefix);
      if (family === 0 || prefixLen > (family === 4 ? 32 : 128))
        throw new ConfigError(`cidr_ranges[${index}]`, `${addressPrefix}/${prefixLen} is not a range of addresses`);
      ranges.addSubnet(addressPrefix, prefixLen, family === 4 ? 'ipv4' : 'ipv6');
    }
    return (address) => ranges.check(address, ipFamily(address) === 6 ? 'ipv6' : 'ipv4');
  });

const pathsOf = (config: HttpConnectionManager): PathRules => ({
  normalize: config.normalizePath ?? false,
  mergeSlashes: config.mergeSlashes,
  escapedSlashes: ESCAPED_SLASHES[config.pathWithEscapedSlashesAction] ?? 'keep',
});

/** What the message says. Routes, filters and logs are compiled by who owns them. */
export const connectionManagerSettings = (config: HttpConnectionManager): ConnectionManagerSettings => {
  refuseUnsupported(config, {
    read: [
      'codecType',
      'routeSpecifier',
      'httpFilters',
      'commonHttpProtocolOptions',
      'serverName',
      'serverHeaderTransformation',
      'maxRequestHeadersKb',
      'streamIdleTimeout',
      'requestTimeout',
      'requestHeadersTimeout',
      'accessLog',
      'useRemoteAddress',
      'xffNumTrustedHops',
      'skipXffAppend',
      'generateRequestId',
      'preserveExternalRequestId',
      'alwaysSetRequestIdInResponse',
      'forwardClientCertDetails',
      'setCurrentClientCertDetails',
      'proxy100Continue',
      'upgradeConfigs',
      'normalizePath',
      'mergeSlashes',
      'pathWithEscapedSlashesAction',
      'stripPortMode',
      'stripMatchingHostPort',
      'stripTrailingHostDot',
      'via',
      'httpProtocolOptions',
      'http2ProtocolOptions',
      'delayedCloseTimeout',
      'drainTimeout',
      'internalAddressConfig',
      'requestIdExtension',
    ],
    ignored: ['statPrefix'],
  });
  const ids = config.requestIdExtension?.typedConfig?.typeUrl ?? '';
  if (ids !== '' && !ids.endsWith('.UuidRequestIdConfig'))
    throw new ConfigError('request_id_extension.typed_config', `${ids} is not supported by this proxy`);
  if (config.stripMatchingHostPort && config.stripPortMode)
    throw new ConfigError('strip_port_mode', 'cannot be set together with strip_matching_host_port');
  return {
    server: serverOf(config),
    forwarding: forwardingOf(config),
    paths: pathsOf(config),
    serverName: config.serverName || 'envoy',
    serverHeader: SERVER_HEADER[config.serverHeaderTransformation] ?? 'overwrite',
    requestIdInResponse: config.alwaysSetRequestIdInResponse,
    stripPort: config.stripPortMode?.value ? 'any' : config.stripMatchingHostPort ? 'matching' : 'none',
    stripTrailingDot: config.stripTrailingHostDot,
  };
};

/** path: where the message stands in its resource, for the words of a ConfigError. */
export const compileConnectionManager = (config: HttpConnectionManager, path: string, rooms: ConnectionManagerRooms): ConnectionManager =>
  inField(path, () => new ConnectionManager(connectionManagerSettings(config), rooms));
