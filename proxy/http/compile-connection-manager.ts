/** HttpConnectionManager message → settings of a connection manager. What this proxy does not do is refused with its path. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { Duration, HttpConnectionManager } from '#envoy';
import { ConnectionManager, type ConnectionManagerRooms, type ConnectionManagerSettings } from './connection-manager.ts';
import type { ForwardingRules } from './forwarding-headers.ts';
import type { PathRules } from './normalize-path.ts';
import type { ServerSettings } from './serve.ts';

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

const serverOf = (config: HttpConnectionManager): ServerSettings => {
  const common = config.commonHttpProtocolOptions;
  if (common) inField('common_http_protocol_options', () => refuseUnsupported(common, { read: ['idleTimeout', 'maxHeadersCount'] }));
  return {
    maxHeadBytes: (config.maxRequestHeadersKb ?? 60) * 1024,
    maxHeaders: common?.maxHeadersCount ?? 100,
    // Envoy waits for ever unless told otherwise; a bound here is what keeps slow clients from holding sockets.
    headTimeoutMs: millis(config.requestHeadersTimeout, 0) || 15_000,
    idleTimeoutMs: millis(common?.idleTimeout, 3_600_000),
    streamIdleTimeoutMs: millis(config.streamIdleTimeout, 300_000),
    upgrades: upgradesOf(config),
    proxy100Continue: config.proxy100Continue,
  };
};

const forwardingOf = (config: HttpConnectionManager): ForwardingRules => {
  const details = config.forwardClientCertDetails;
  if (details > 4) throw new ConfigError('forward_client_cert_details', 'unknown value');
  return {
    useRemoteAddress: config.useRemoteAddress ?? false,
    trustedHops: config.xffNumTrustedHops,
    skipXffAppend: config.skipXffAppend,
    generateRequestId: config.generateRequestId ?? true,
    preserveExternalRequestId: config.preserveExternalRequestId,
    clientCert: details === 4 ? 'always-forward-only' : details === 1 || details === 2 ? 'forward-only' : 'sanitize',
  };
};

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
      'requestHeadersTimeout',
      'accessLog',
      'useRemoteAddress',
      'xffNumTrustedHops',
      'skipXffAppend',
      'generateRequestId',
      'preserveExternalRequestId',
      'alwaysSetRequestIdInResponse',
      'forwardClientCertDetails',
      'proxy100Continue',
      'upgradeConfigs',
      'normalizePath',
      'mergeSlashes',
      'pathWithEscapedSlashesAction',
      'stripPortMode',
    ],
    ignored: [
      'statPrefix',
      'httpProtocolOptions',
      'http2ProtocolOptions',
      'setCurrentClientCertDetails',
      'requestIdExtension',
      'internalAddressConfig',
      'drainTimeout',
      'delayedCloseTimeout',
    ],
  });
  if (config.codecType === 2 || config.codecType === 3)
    throw new ConfigError('codec_type', 'HTTP/2 and HTTP/3 are not supported by this proxy');
  return {
    server: serverOf(config),
    forwarding: forwardingOf(config),
    paths: pathsOf(config),
    serverName: config.serverName || 'envoy',
    serverHeader: SERVER_HEADER[config.serverHeaderTransformation] ?? 'overwrite',
    requestIdInResponse: config.alwaysSetRequestIdInResponse,
    stripPort: config.stripPortMode?.$case === 'stripAnyHostPort' && config.stripPortMode.value,
    stripTrailingDot: false,
  };
};

/** path: where the message stands in its resource, for the words of a ConfigError. */
export const compileConnectionManager = (config: HttpConnectionManager, path: string, rooms: ConnectionManagerRooms): ConnectionManager =>
  inField(path, () => new ConnectionManager(connectionManagerSettings(config), rooms));
