/** Envoy's bootstrap from YAML or JSON, strictly: what is not understood is refused with its place. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import { refuseUnlessAds } from '#api/config-source.ts';
import { fieldTable } from '#api/proto-json/field-table.ts';
import { checkJson, StrictJsonError } from '#api/proto-json/strict-json.ts';
import { ApiConfigSource_ApiType, Bootstrap, type Secret } from '#envoy';
import type { SocketAddress } from '#system/network.ts';
import { validate } from './config/validate.ts';
import { compileSecret } from './tls/compile-secret.ts';

const GRPC = ApiConfigSource_ApiType.GRPC;
const TYPE = 'envoy.config.bootstrap.v3.Bootstrap';

/** file: named in complaints. Throws ConfigError, whose message begins with `file:line:column`. */
export const readBootstrap = async (text: string, file: string): Promise<Bootstrap> => {
  const tree = (await parse(text, file)) ?? {};
  const table = fieldTable();
  try {
    checkJson(tree, TYPE, table);
    const bootstrap = Bootstrap.fromJSON(tree);
    validate(bootstrap, TYPE, table);
    checkBootstrap(bootstrap);
    return bootstrap;
  } catch (error) {
    const keys = error instanceof StrictJsonError ? error.keys : error instanceof ConfigError ? keysOf(error.path) : [];
    throw new ConfigError(await placeOf(text, file, keys), error instanceof Error ? error.message : String(error), { cause: error });
  }
};

/** Refuses what this proxy does not do. Names for statistics and hints to Envoy's own threads, sockets and resolver carry no behaviour here. */
export const checkBootstrap = (bootstrap: Bootstrap): void => {
  refuseUnsupported(bootstrap, {
    read: ['node', 'staticResources', 'dynamicResources', 'admin', 'clusterManager'],
    ignored: [
      'statsConfig',
      'statsFlushInterval',
      'statsFlush',
      'enableDispatcherStats',
      'watchdog',
      'watchdogs',
      'typedDnsResolverConfig',
    ],
  });
  const { staticResources, dynamicResources, admin, clusterManager } = bootstrap;
  if (staticResources)
    inField('static_resources', () => {
      refuseUnsupported(staticResources, { read: ['clusters', 'listeners', 'secrets'] });
      for (const [index, secret] of staticResources.secrets.entries()) inField(`secrets[${index}]`, () => checkSecret(secret));
    });
  if (clusterManager)
    inField('cluster_manager', () => {
      refuseUnsupported(clusterManager, { read: ['outlierDetection'] });
      const outliers = clusterManager.outlierDetection;
      if (outliers) inField('outlier_detection', () => refuseUnsupported(outliers, { read: ['eventLogPath'] }));
    });
  if (admin) inField('admin', () => refuseUnsupported(admin, { read: ['address'], ignored: ['profilePath', 'ignoreGlobalConnLimit'] }));
  if (!dynamicResources) return;
  inField('dynamic_resources', () => {
    refuseUnsupported(dynamicResources, { read: ['adsConfig', 'cdsConfig', 'ldsConfig'] });
    for (const [name, source] of Object.entries({ cds_config: dynamicResources.cdsConfig, lds_config: dynamicResources.ldsConfig }))
      if (source) inField(name, () => refuseUnlessAds(source));
    const { adsConfig, cdsConfig, ldsConfig } = dynamicResources;
    if (!adsConfig && (cdsConfig || ldsConfig)) throw new ConfigError('ads_config', 'is needed for cds_config and lds_config');
    if (adsConfig && adsConfig.apiType !== GRPC)
      throw new ConfigError('ads_config.api_type', 'only GRPC (state of the world) is supported by this proxy');
  });
};

const checkSecret = (secret: Secret): void => {
  if (secret.name === '') throw new ConfigError('name', 'must not be empty');
  compileSecret(secret);
};

/** Where the admin port shall be; undefined when the bootstrap wants none. */
export const adminAddressOf = ({ admin }: Bootstrap): SocketAddress | undefined => {
  const address = admin?.address?.address;
  if (!address) return undefined;
  if (address.$case === 'socketAddress')
    inField('admin.address.socket_address', () =>
      refuseUnsupported(address.value, { read: ['address', 'portSpecifier'], ignored: ['ipv4Compat'] }),
    );
  if (address.$case !== 'socketAddress' || address.value.portSpecifier?.$case !== 'portValue')
    throw new ConfigError('admin.address', 'only a socket_address with a port number is supported by this proxy');
  return { address: address.value.address, port: address.value.portSpecifier.value };
};

const parse = async (text: string, file: string): Promise<unknown> => {
  if (text.trimStart().startsWith('{')) {
    try {
      return JSON.parse(text);
    } catch {
      // Flow-style YAML begins like that too.
    }
  }
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text, { prettyErrors: true, uniqueKeys: true });
  const [error] = document.errors;
  if (error) {
    const at = error.linePos?.[0];
    throw new ConfigError(`${file}:${at?.line ?? 1}:${at?.col ?? 1}`, (error.message.split('\n')[0] ?? '').replace(/ at line .*/, ''));
  }
  return document.toJS({ maxAliasCount: 100 });
};

const keysOf = (path: string): (string | number)[] => (path.match(/[^.[\]]+/g) ?? []).map((key) => (/^\d+$/.test(key) ? Number(key) : key));

/** Loads the YAML reader even for JSON: only somebody with a mistake pays. */
const placeOf = async (text: string, file: string, keys: readonly (string | number)[]): Promise<string> => {
  const { LineCounter, isCollection, isMap, isScalar, parseDocument } = await import('yaml');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  let node: unknown = document.contents;
  let offset = document.contents?.range?.[0] ?? 0;
  for (const key of keys) {
    if (!isCollection(node)) break;
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
      if (!pair || !isScalar(pair.key)) break;
      offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else {
      node = node.items[Number(key)];
      offset = (node as { range?: [number] } | undefined)?.range?.[0] ?? offset;
    }
  }
  const { line, col } = lines.linePos(offset);
  return `${file}:${line}:${col}`;
};
