/** MeshConfig as people write it → as the mesh reads it. Pure. */
import type { MeshSettings } from '../resources/mesh/settings.ts';
import type { MeshConfig } from './mesh.ts';

/** Only what is named: the rest stays as it was. */
export const toMeshConfig = (settings: MeshSettings): Partial<MeshConfig> => {
  const { rootNamespace, accessLogFile, outboundTrafficPolicy, trustDomain, trustDomainAliases, enableAutoMtls } = settings;
  const minimum = settings.meshMTLS?.minProtocolVersion;
  const normalization = settings.pathNormalization?.normalization;
  return {
    ...(rootNamespace !== undefined && { rootNamespace }),
    ...(accessLogFile !== undefined && { accessLogFile }),
    ...(outboundTrafficPolicy?.mode && { outboundTrafficPolicy: outboundTrafficPolicy.mode }),
    ...(trustDomain !== undefined && { trustDomain }),
    ...(trustDomainAliases && { trustDomainAliases }),
    ...(enableAutoMtls !== undefined && { enableAutoMtls }),
    ...(minimum && { minProtocolVersion: minimum === 'TLSV1_3' ? 'TLSV1_3' : 'TLSV1_2' }),
    ...(normalization && { pathNormalization: normalization === 'DEFAULT' ? 'BASE' : normalization }),
    ...(settings.localityLbSetting && { localityLbSetting: settings.localityLbSetting }),
    ...(settings.extensionProviders && {
      extensionProviders: settings.extensionProviders.map((provider) => ({ ...provider, name: provider.name ?? '' })),
    }),
  };
};
