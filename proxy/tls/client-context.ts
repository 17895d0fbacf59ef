/** UpstreamTlsContext → handshakes with the hosts of a cluster. Source: extensions.transport_sockets.tls.v3.UpstreamTlsContext; texts: Envoy 1.40. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import { type Any, type CommonTlsContext, UpstreamTlsContext } from '#envoy';
import { compileCommon } from './compile-common.ts';
import { SecretStore } from './secret-store.ts';

/** Whether TLS takes the server's name from the host that a request names. */
export interface AutoName {
  /** It is asked for: SNI. */
  readonly isAsked: boolean;
  /** The server's certificate must have it. */
  readonly isRequired: boolean;
}

/** The configuration alone says. */
export const NO_AUTO_NAME: AutoName = { isAsked: false, isRequired: false };

/** A client's side of TLS as configured. */
export interface ClientTls {
  readonly common: CommonTlsContext;
  /** SNI; empty = none. */
  readonly serverName: string;
  readonly resumes: boolean;
}

/** Throws ConfigError with a path relative to the message. */
export const compileClientTls = (config: Any): ClientTls => {
  const message = decode(config);
  refuseUnsupported(message, { read: ['commonTlsContext', 'sni', 'allowRenegotiation', 'maxSessionKeys'] });
  if (message.allowRenegotiation) throw new ConfigError('allow_renegotiation', 'not supported by this proxy');
  if (message.sni.length > 255) throw new ConfigError('sni', 'must have at most 255 bytes');
  const common = message.commonTlsContext;
  if (!common) throw new ConfigError('common_tls_context', 'is required');
  // A trial: what it would be judged and shown with is taken from the proxy's own secrets once a cluster uses it.
  inField('common_tls_context', () => compileCommon(common, 'client', new SecretStore()));
  return { common, serverName: message.sni, resumes: message.maxSessionKeys !== 0 };
};

const decode = (config: Any): UpstreamTlsContext => {
  try {
    return UpstreamTlsContext.decode(config.value);
  } catch (cause) {
    throw new ConfigError('', 'cannot be decoded', { cause });
  }
};
