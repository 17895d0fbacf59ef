/** SdsSecretConfig → which secret is meant, and where it comes from. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import { refuseUnlessAds } from '#api/config-source.ts';
import { type ApiConfigSource, ApiConfigSource_ApiType, type ConfigSource, type SdsSecretConfig } from '#envoy';
import type { SecretRef, SecretSource } from './secret-store.ts';

const V2 = 1;

/** Throws ConfigError with a path relative to the config. Without a source it is one of the bootstrap's secrets. */
export const secretRefOf = (config: SdsSecretConfig): SecretRef => {
  refuseUnsupported(config, { read: ['name', 'sdsConfig'] });
  const { name, sdsConfig } = config;
  if (name === '') throw new ConfigError('name', 'must not be empty');
  if (!sdsConfig) return { name, source: { kind: 'static' } };
  return inField('sds_config', () => {
    const specifier = sdsConfig.configSourceSpecifier;
    if (specifier?.$case !== 'apiConfigSource' && specifier?.$case !== 'pathConfigSource') {
      refuseUnlessAds(sdsConfig);
      return { name, source: { kind: 'ads' } };
    }
    refuseUnsupported(sdsConfig, { read: ['configSourceSpecifier', 'resourceApiVersion'], ignored: ['initialFetchTimeout'] });
    if (sdsConfig.resourceApiVersion === V2) throw new ConfigError('resource_api_version', 'only V3 is supported by this proxy');
    return {
      name,
      source:
        specifier.$case === 'apiConfigSource'
          ? inField('api_config_source', () => grpcSource(specifier.value))
          : inField('path_config_source', () => pathSource(specifier.value)),
    };
  });
};

const grpcSource = (source: ApiConfigSource): SecretSource => {
  refuseUnsupported(source, {
    read: ['apiType', 'transportApiVersion', 'grpcServices'],
    ignored: ['setNodeOnFirstMessageOnly'],
  });
  if (source.apiType !== ApiConfigSource_ApiType.GRPC)
    throw new ConfigError('api_type', 'only GRPC (state of the world) is supported by this proxy');
  if (source.transportApiVersion === V2) throw new ConfigError('transport_api_version', 'only V3 is supported by this proxy');
  if (source.grpcServices.length > 1) throw new ConfigError('grpc_services[1]', 'only one service is supported by this proxy');
  const [service] = source.grpcServices;
  if (!service) throw new ConfigError('grpc_services', 'is required');
  return inField('grpc_services[0]', () => {
    refuseUnsupported(service, { read: ['targetSpecifier'], ignored: ['timeout'] });
    const target = service.targetSpecifier;
    if (target?.$case !== 'envoyGrpc')
      throw new ConfigError(
        target?.$case === 'googleGrpc' ? 'google_grpc' : 'target_specifier',
        'only envoy_grpc is supported by this proxy',
      );
    inField('envoy_grpc', () => refuseUnsupported(target.value, { read: ['clusterName'] }));
    return { kind: 'grpc', cluster: target.value.clusterName };
  });
};

type PathSource = Extract<NonNullable<ConfigSource['configSourceSpecifier']>, { $case: 'pathConfigSource' }>['value'];

const pathSource = (source: PathSource): SecretSource => {
  refuseUnsupported(source, { read: ['path', 'watchedDirectory'] });
  const { path, watchedDirectory } = source;
  return { kind: 'path', path, watched: watchedDirectory?.path ?? directoryOf(path) };
};

/** `/a/b.yaml` → `/a`; what has no directory is in the current one. */
export const directoryOf = (path: string): string => path.replace(/\/?[^/]*$/, '') || (path.startsWith('/') ? '/' : '.');
