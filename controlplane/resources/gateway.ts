/** Gateway: which ports and hosts an ingress gateway opens. Source: istio.io/api networking/v1 gateway.proto. */
import { bool, listOf, mapOf, object, oneOf, str, uint } from './shape.ts';

const version = oneOf('TLS_AUTO', 'TLSV1_0', 'TLSV1_1', 'TLSV1_2', 'TLSV1_3');

const tls = object({
  httpsRedirect: bool,
  mode: oneOf('PASSTHROUGH', 'SIMPLE', 'MUTUAL', 'AUTO_PASSTHROUGH', 'ISTIO_MUTUAL', 'OPTIONAL_MUTUAL'),
  serverCertificate: str,
  privateKey: str,
  caCertificates: str,
  caCrl: str,
  tlsCertificates: listOf(object({ serverCertificate: str, privateKey: str, caCertificates: str })),
  credentialName: str,
  credentialNames: listOf(str),
  caCertCredentialName: str,
  subjectAltNames: listOf(str),
  verifyCertificateSpki: listOf(str),
  verifyCertificateHash: listOf(str),
  minProtocolVersion: version,
  maxProtocolVersion: version,
  cipherSuites: listOf(str),
});

const server = object({
  port: object({ number: uint, name: str, protocol: str, targetPort: uint }),
  hosts: listOf(str),
  tls,
  bind: str,
  name: str,
  defaultEndpoint: str,
});

/** The fields that a Gateway's spec may have. */
export const gatewayShape = object({ selector: mapOf(str), servers: listOf(server) });

/** A Gateway as people write it. */
export type GatewaySpec = ReturnType<typeof gatewayShape.typeOf>;
/** One port of a gateway. */
export type GatewayServer = NonNullable<GatewaySpec['servers']>[number];

/** Protocols of which this mesh opens a gateway's port. */
export const isGatewayHttp = (protocol: string | undefined): boolean => protocol?.toUpperCase() === 'HTTP';

/** How connections are passed on as they come: any, or by the name that their TLS asks for; undefined: they are not. Without a mode TLS is not ended. Source: ServerTLSSettings.TLSmode. */
export const passesOn = ({ port, tls }: GatewayServer): 'tcp' | 'by name' | undefined => {
  const protocol = port?.protocol?.toUpperCase() ?? '';
  if (tls === undefined) return protocol === 'TCP' ? 'tcp' : undefined;
  return ['TLS', 'HTTPS', 'TCP'].includes(protocol) && (tls.mode ?? 'PASSTHROUGH') === 'PASSTHROUGH' ? 'by name' : undefined;
};
