/** Which secrets a listener or a cluster cannot do without. */
import { type Cluster, type CommonTlsContext, DownstreamTlsContext, type Listener, type TransportSocket, UpstreamTlsContext } from '#envoy';
import { secretRefOf } from './secret-ref.ts';
import type { SecretRef } from './secret-store.ts';
import { fileRefOf, trustIn } from './secret-values.ts';

const TLS = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.';

/** Of its filter chains. What cannot be read has none: compiling it says what is wrong. */
export const secretsOfListener = ({ filterChains, defaultFilterChain }: Listener): readonly SecretRef[] =>
  [...filterChains, ...(defaultFilterChain ? [defaultFilterChain] : [])].flatMap(({ transportSocket }) => secretsOf(transportSocket));

/** As `secretsOfListener`. */
export const secretsOfCluster = ({ transportSocket, transportSocketMatches }: Cluster): readonly SecretRef[] =>
  [transportSocket, ...transportSocketMatches.map((match) => match.transportSocket)].flatMap(secretsOf);

const secretsOf = (socket: TransportSocket | undefined): SecretRef[] => {
  if (socket?.configType?.$case !== 'typedConfig') return [];
  const { typeUrl, value } = socket.configType.value;
  try {
    if (typeUrl === `${TLS}DownstreamTlsContext`) return secretsIn(DownstreamTlsContext.decode(value).commonTlsContext);
    if (typeUrl === `${TLS}UpstreamTlsContext`) return secretsIn(UpstreamTlsContext.decode(value).commonTlsContext);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
  return [];
};

const secretsIn = (common: CommonTlsContext | undefined): SecretRef[] => {
  if (!common) return [];
  const { tlsCertificates, tlsCertificateSdsSecretConfigs, validationContextType: validation } = common;
  const configs =
    validation?.$case === 'validationContextSdsSecretConfig'
      ? [validation.value]
      : validation?.$case === 'combinedValidationContext' && validation.value.validationContextSdsSecretConfig
        ? [validation.value.validationContextSdsSecretConfig]
        : [];
  const files = [
    ...tlsCertificates.map(fileRefOf),
    validation?.$case === 'validationContext' ? trustIn(validation.value).ref : undefined,
  ].filter((ref) => ref !== undefined);
  return [...[...tlsCertificateSdsSecretConfigs, ...configs].map(secretRefOf), ...files];
};
