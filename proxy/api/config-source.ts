/** Where a resource comes from: the one aggregated stream, in version 3. */
import type { ConfigSource } from '#envoy';
import { ConfigError, refuseUnsupported } from './config-error.ts';

const V2 = 1;

/** Throws ConfigError with a path relative to the source unless it is ADS. Who waits for a resource waits for ever, as with a timeout of 0 s. */
export const refuseUnlessAds = (source: ConfigSource): void => {
  refuseUnsupported(source, { read: ['configSourceSpecifier', 'resourceApiVersion'], ignored: ['initialFetchTimeout'] });
  const specifier = source.configSourceSpecifier?.$case;
  if (specifier !== 'ads')
    throw new ConfigError(
      (specifier ?? 'ads').replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      'only ads is supported by this proxy',
    );
  if (source.resourceApiVersion === V2) throw new ConfigError('resource_api_version', 'only V3 is supported by this proxy');
};
