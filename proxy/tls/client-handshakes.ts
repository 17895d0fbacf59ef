/** LIVING STATE of one way under TLS to the hosts of a cluster: the context as it is now, whom to believe, what came of it. */
import { ipFamily } from '#system/ip.ts';
import type { MetricScope } from '#system/metrics.ts';
import { ConnectError, type Connection } from '#system/network.ts';
import type { System } from '#system/system.ts';
import { type TlsContext, TlsHandshakeError } from '#system/tls/tls.ts';
import type { CertificateFacts } from '#system/tls/tls-facts.ts';
import type { AutoName, ClientTls } from './client-context.ts';
import { compileCommon } from './compile-common.ts';
import { HandshakeStats } from './handshake-stats.ts';
import { type LiveContext, liveContext, type TlsRoom, type TlsSettings } from './live-context.ts';
import { isDnsMatch } from './peer-names.ts';

/** One handshake. */
export interface HandshakeWith {
  /** `address:port` */
  readonly host: string;
  /** The host that requests on this connection name, where TLS takes it from there; else empty. */
  readonly serverName: string;
  readonly timeoutMs: number;
}

/** What a way stands on. */
export interface HandshakeRooms {
  readonly system: System;
  readonly tls: TlsRoom;
  readonly scope: MetricScope;
  readonly clusterName: string;
  readonly autoName: AutoName;
  readonly key: string;
}

const numbers = new WeakMap<TlsContext, number>();
let lastNumber = 0;

/** Sessions of another context were agreed with another certificate, or believed others. */
const numberOf = (context: TlsContext): number => {
  const number = numbers.get(context) ?? ++lastNumber;
  numbers.set(context, number);
  return number;
};

/** `host:port` → host; `[::1]:80` → `::1`. */
const hostOf = (authority: string): string => (/^\[(.*)\](?::\d*)?$/.exec(authority)?.[1] ?? authority.replace(/:\d*$/, '')).slice(0, 255);

const wrongHost = ({ uris, dnsNames }: CertificateFacts, host: string): string =>
  `verify SAN list, expected SANs: [${host}], certificate SANs: [${[...uris, ...dnsNames].join(', ')}]`;

/** The words are Envoy's. */
const NOT_SUPPLIED = 'TLS_error: Secret is not supplied by SDS';

/** Gauges: when the own certificate ends, and the first of the roots. */
const tellExpiry = (live: LiveContext, scope: MetricScope): void => {
  const { chainName, rootsName } = live.shown;
  const tell = (name: string, unnamed: string, read: () => readonly CertificateFacts[]): void => {
    if (name === '') return;
    // What comes from files has no name of its own; the number is Envoy's for an empty one.
    scope.computed(`ssl.certificate.${/[/ ]/.test(name) ? `${unnamed}_e3b0c442` : name}.expiration_unix_time_seconds`, () => {
      const ends = read().map(({ notAfterMs }) => notAfterMs);
      return ends.length === 0 ? 0 : Math.floor(Math.min(...ends) / 1000);
    });
  };
  tell(chainName, 'unnamed_cert', () => live.shown.chain.slice(0, 1));
  tell(rootsName, 'unnamed_ca_cert', () => live.shown.roots);
};

/** Handshakes with the hosts of one cluster. */
export class ClientHandshakes {
  readonly key: string;
  readonly #tls: ClientTls;
  readonly #rooms: HandshakeRooms;
  readonly #settings: TlsSettings;
  readonly #live: LiveContext;
  readonly #stats: HandshakeStats;
  readonly #notReady;
  #isTold = false;

  /** Starts to build its context. */
  constructor(tls: ClientTls, rooms: HandshakeRooms) {
    this.key = rooms.key;
    this.#tls = tls;
    this.#rooms = rooms;
    this.#settings = compileCommon(tls.common, 'client', rooms.tls.secrets);
    this.#live = liveContext(this.#settings, rooms.tls);
    this.#stats = new HandshakeStats(rooms.scope);
    this.#notReady = rooms.scope.counter('client_ssl_socket_factory.upstream_context_secrets_not_ready');
    tellExpiry(this.#live, rooms.scope);
  }

  /** What it shows and believes now. */
  get context(): LiveContext {
    return this.#live;
  }

  /** Which server name connections for this authority ask for; empty = what the configuration says, the same for all. */
  serverName(authority: string): string {
    const { isAsked, isRequired } = this.#rooms.autoName;
    return isAsked || isRequired ? hostOf(authority) : '';
  }

  /** Settles with how to secure a connection. Rejects with TlsHandshakeError when a handshake could only fail, so that nothing is dialled. */
  async prepare(): Promise<(connection: Connection, how: HandshakeWith) => Promise<Connection>> {
    // What a rotation brought is waited for: a new connection never shows the certificate before.
    const context = await this.#live.ready();
    if (!context) throw this.#unready();
    const { leaf } = context;
    if (leaf && leaf.notAfterMs <= this.#rooms.system.clock.wallTimeMs())
      throw new TlsHandshakeError(`TLS_error: the certificate of this proxy expired at ${new Date(leaf.notAfterMs).toISOString()}`);
    this.#isTold = false;
    return (connection, how) => this.#secure(connection, context, how);
  }

  #unready(): TlsHandshakeError {
    this.#notReady.value++;
    if (!this.#isTold) {
      const { clusterName, system } = this.#rooms;
      system.log.warn('upstream.secrets-missing', { cluster: clusterName, secrets: this.#live.missing });
    }
    this.#isTold = true;
    return new TlsHandshakeError(NOT_SUPPLIED);
  }

  async #secure(connection: Connection, context: TlsContext, { host, serverName, timeoutMs }: HandshakeWith): Promise<Connection> {
    const { system, clusterName, autoName, tls } = this.#rooms;
    const asked = autoName.isAsked && serverName !== '' ? serverName : this.#tls.serverName;
    const startedAtMs = system.clock.nowMs();
    try {
      const secured = await tls.system.tls.connect(connection, context, {
        serverName: ipFamily(asked) === 0 ? asked : '',
        timeoutMs,
        refuses: (peer) => this.#refuses(peer, serverName),
        ...(this.#tls.resumes && { sessionKey: `${clusterName} ${host} ${asked} ${numberOf(context)}` }),
      });
      if (secured.tls) this.#stats.succeeded(secured.tls);
      return secured;
    } catch (error) {
      if (!(error instanceof TlsHandshakeError)) throw error;
      if (system.clock.nowMs() - startedAtMs >= timeoutMs) throw new ConnectError('timeout', error.message, { cause: error });
      this.#stats.failed(error.message);
      throw error;
    }
  }

  #refuses(peer: CertificateFacts, host: string): string | undefined {
    const { isRequired } = this.#rooms.autoName;
    if (isRequired && host !== '' && !peer.dnsNames.some((name) => isDnsMatch(host, name))) return wrongHost(peer, host);
    return this.#settings.refuses?.(peer);
  }
}
