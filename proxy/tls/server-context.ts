/** DownstreamTlsContext → handshakes with the clients of a filter chain. Source: extensions.transport_sockets.tls.v3.DownstreamTlsContext; texts: Envoy 1.40. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import { type Any, DownstreamTlsContext } from '#envoy';
import type { MetricScope } from '#system/metrics.ts';
import type { Connection } from '#system/network.ts';
import { TlsHandshakeError } from '#system/tls/tls.ts';
import { compileCommon } from './compile-common.ts';
import { HandshakeStats } from './handshake-stats.ts';
import { type LiveContext, liveContext, type TlsRoom, type TlsSettings } from './live-context.ts';
import { peerIdentity } from './peer-identity.ts';

/** What the protocol behind a chain can be: a connection manager that speaks HTTP/1 only must not let a client choose more. */
export type ChainProtocol = 'http1' | 'any';

/** One handshake. */
export interface AcceptWith {
  /** Protocols in the client's greeting; absent where nobody looked. */
  readonly offered?: readonly string[];
  readonly timeoutMs: number;
  /** The listener's numbers. */
  readonly scope: MetricScope;
}

/** A connection after its handshake. */
export interface Secured {
  readonly connection: Connection;
  /** Absent where the client showed no certificate, none was verified, or it names no workload. */
  readonly peerIdentity?: string;
}

/** Throws ConfigError with a path relative to the message. Starts to build its context. */
export const compileServerTls = (config: Any, room: TlsRoom, protocol: ChainProtocol): ServerHandshakes => {
  const message = decode(config);
  refuseUnsupported(message, { read: ['commonTlsContext', 'requireClientCertificate'] });
  const common = message.commonTlsContext;
  if (!common) throw new ConfigError('common_tls_context', 'is required');
  const settings = inField('common_tls_context', () => compileCommon(common, 'server', room.secrets));
  if (!settings.certificate) throw new ConfigError('common_tls_context', 'a server needs a certificate');
  const { parameters } = settings;
  const alpn = protocol === 'http1' ? parameters.alpn.filter((name) => name !== 'h2') : parameters.alpn;
  return new ServerHandshakes({ ...settings, parameters: { ...parameters, alpn } }, room, message.requireClientCertificate ?? false);
};

const decode = (config: Any): DownstreamTlsContext => {
  try {
    return DownstreamTlsContext.decode(config.value);
  } catch (cause) {
    throw new ConfigError('', 'cannot be decoded', { cause });
  }
};

/** The words are Envoy's. */
const NOT_SUPPLIED = 'TLS_error: Secret is not supplied by SDS';

const numbers = new WeakMap<MetricScope, HandshakeStats>();

const statsOf = (scope: MetricScope): HandshakeStats => {
  const known = numbers.get(scope) ?? new HandshakeStats(scope);
  numbers.set(scope, known);
  return known;
};

/** LIVING STATE of one chain's TLS: the context as it is now. Connections keep what they began with. */
export class ServerHandshakes {
  readonly #settings: TlsSettings;
  readonly #room: TlsRoom;
  readonly #live: LiveContext;
  readonly #clientCertificate: 'ignored' | 'wanted' | 'required';

  constructor(settings: TlsSettings, room: TlsRoom, isRequired: boolean) {
    this.#settings = settings;
    this.#room = room;
    this.#live = liveContext(settings, room);
    this.#clientCertificate = isRequired ? 'required' : settings.trust ? 'wanted' : 'ignored';
  }

  /** What it shows and believes now. */
  get context(): LiveContext {
    return this.#live;
  }

  /** Owns the connection, which is over when this rejects with TlsHandshakeError. */
  async accept(raw: Connection, { offered, timeoutMs, scope }: AcceptWith): Promise<Secured> {
    const { tls, clock } = this.#room.system;
    // What a rotation brought is waited for: a new connection is never judged by what was believed before.
    const context = await this.#live.ready();
    const { leaf } = context ?? {};
    if (!context || !leaf || leaf.notAfterMs <= clock.wallTimeMs()) {
      raw.resetAndDestroy();
      scope.counter('server_ssl_socket_factory.downstream_context_secrets_not_ready').value++;
      throw new TlsHandshakeError(
        leaf ? `TLS_error: the certificate of this proxy expired at ${new Date(leaf.notAfterMs).toISOString()}` : NOT_SUPPLIED,
      );
    }
    const stats = statsOf(scope);
    try {
      const connection = await tls.accept(raw, context, {
        clientCertificate: this.#clientCertificate,
        timeoutMs,
        ...(this.#settings.refuses && { refuses: this.#settings.refuses }),
        ...(offered && { offered }),
      });
      if (connection.tls) stats.succeeded(connection.tls);
      const peer = this.#settings.trust && connection.tls?.peer;
      const identity = peer && peerIdentity(peer);
      return { connection, ...(identity !== undefined && { peerIdentity: identity }) };
    } catch (error) {
      if (error instanceof TlsHandshakeError) stats.failed(error.message);
      throw error;
    }
  }
}
