/** Handshakes by OpenSSL. node:tls and node:crypto are loaded when somebody first asks: a sidecar in plain text never pays. */
import type { ConnectionOptions, SecureContext, TLSSocket } from 'node:tls';
import type { Clock } from '../clock.ts';
import type { Connection } from '../network.ts';
import {
  type AcceptTls,
  type ConnectTls,
  type Tls,
  type TlsContext,
  type TlsHandshakeError,
  type TlsMaterial,
  TlsMaterialError,
  type TlsParameters,
} from './tls.ts';
import type { CertificateFacts, TlsFacts } from './tls-facts.ts';
import {
  certificateMissing,
  chainRefused,
  handshakeBroken,
  handshakeCut,
  handshakeTimeout,
  nameRefused,
  timeRefusal,
} from './tls-failures.ts';

/** Sessions that one context keeps for its clients to resume. */
const KEPT_SESSIONS = 512;

/** Of OpenSSL; node:crypto is not loaded for a number. */
const SSL_OP_NO_RENEGOTIATION = 0x4000_0000;

/** A session, and whom it was begun with: a server that resumes does not show its certificate again. */
interface KeptSession {
  readonly ticket: Buffer;
  readonly peer: CertificateFacts | undefined;
}

/** What is loaded once, so that no handshake waits for a module. */
interface OpenSsl {
  readonly tls: typeof import('node:tls');
  readonly facts: typeof import('./certificate-facts.ts');
}

const openSsl = async (): Promise<OpenSsl> => {
  const [tls, facts] = await Promise.all([import('node:tls'), import('./certificate-facts.ts')]);
  return { tls, facts };
};

/** As made by `context`. */
class RealContext implements TlsContext {
  readonly openSsl: OpenSsl;
  readonly leaf: CertificateFacts | undefined;
  readonly secure: SecureContext;
  readonly alpn: readonly string[];
  readonly verifies: boolean;
  readonly sessions = new Map<string, KeptSession>();

  constructor(parts: Pick<RealContext, 'openSsl' | 'leaf' | 'secure' | 'alpn' | 'verifies'>) {
    this.openSsl = parts.openSsl;
    this.leaf = parts.leaf;
    this.secure = parts.secure;
    this.alpn = parts.alpn;
    this.verifies = parts.verifies;
  }

  keepSession(key: string, session: KeptSession): void {
    this.sessions.delete(key);
    if (this.sessions.size >= KEPT_SESSIONS)
      for (const oldest of this.sessions.keys()) {
        this.sessions.delete(oldest);
        break;
      }
    this.sessions.set(key, session);
  }
}

const realContext = (context: TlsContext): RealContext => {
  if (context instanceof RealContext) return context;
  throw new Error('invariant: a context of another world');
};

/** Of TLS 1.3 all are good, the cheapest first, as BoringSSL orders them; OpenSSL takes them from the same list. */
const SUITES_13 = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';

const contextFrom = async (material: TlsMaterial, { minVersion, maxVersion, cipherSuites, alpn }: TlsParameters): Promise<RealContext> => {
  const loaded = await openSsl();
  const { factsIn } = loaded.facts;
  const { createSecureContext, DEFAULT_CIPHERS } = loaded.tls;
  const { certificateChain, privateKey, trustedRoots } = material;
  try {
    const leaf = certificateChain === undefined ? undefined : factsIn(certificateChain)[0];
    if (certificateChain !== undefined && leaf === undefined) throw new Error('there is no certificate in the chain');
    if (trustedRoots !== undefined && factsIn(trustedRoots).length === 0)
      throw new Error('there is no certificate among the trusted roots');
    const secure = createSecureContext({
      ...(certificateChain !== undefined && { cert: certificateChain }),
      ...(privateKey !== undefined && { key: privateKey }),
      // An empty list: not the machine's own authorities.
      ca: trustedRoots === undefined ? [] : [trustedRoots],
      // OpenSSL then answers with no_renegotiation; Node's own switch has no effect on a socket that no server of Node's made.
      secureOptions: SSL_OP_NO_RENEGOTIATION,
      minVersion,
      maxVersion,
      ciphers: `${SUITES_13}:${cipherSuites.length > 0 ? cipherSuites.join(':') : DEFAULT_CIPHERS}`,
      // Needed to resume sessions of clients that showed a certificate; tickets are the context's own, so they end with it.
      sessionIdContext: 'dinghy',
    });
    return new RealContext({ openSsl: loaded, leaf, secure, alpn, verifies: trustedRoots !== undefined });
  } catch (cause) {
    throw new TlsMaterialError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
};

/** Node offers the outcome of OpenSSL's verification of a server's peer on the handle only. */
const verifyErrorOf = (socket: TLSSocket): string | undefined => {
  const { ssl } = socket as unknown as { readonly ssl: { verifyError(): (Error & { code?: string }) | null } | null };
  const message = ssl?.verifyError()?.message;
  // Node adds advice for people who run scripts.
  return message?.replace(/; if the root CA is installed locally.*$/s, '');
};

interface Judgement {
  readonly nowMs: number;
  readonly verifies: boolean;
  readonly isRequired: boolean;
  readonly refuses: ((peer: CertificateFacts) => string | undefined) | undefined;
}

const refusalOf = (socket: TLSSocket, peer: CertificateFacts | undefined, how: Judgement): TlsHandshakeError | undefined => {
  if (!peer) return how.isRequired ? certificateMissing() : undefined;
  if (!how.verifies) return undefined;
  const chain = verifyErrorOf(socket) ?? timeRefusal(peer, how.nowMs);
  if (chain !== undefined) return chainRefused(chain);
  const name = how.refuses?.(peer);
  return name === undefined ? undefined : nameRefused(name);
};

/** Resolves at `event`, rejects with why it did not come; nothing is left behind but a quiet error listener. */
const handshake = (socket: TLSSocket, event: 'secure' | 'secureConnect', clock: Clock, timeoutMs: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const settle = (): void => {
      cancel();
      socket
        .off(event, onDone)
        .off('error', onError)
        .off('close', onEnd)
        .off('end', onEnd)
        .off('readable', look)
        .on('error', () => {});
    };
    const fail = (error: TlsHandshakeError): void => {
      settle();
      reject(error);
    };
    const onDone = (): void => {
      settle();
      resolve();
    };
    const onError = (error: Error): void => fail(handshakeBroken(error));
    const onEnd = (): void => fail(handshakeCut());
    // A peer that leaves in the middle shows only to who reads.
    const look = (): void => {
      if (socket.readableLength === 0) socket.read();
    };
    const cancel = clock.after(timeoutMs, () => fail(handshakeTimeout(timeoutMs)));
    socket.once(event, onDone).once('error', onError).once('close', onEnd).once('end', onEnd).on('readable', look);
  });

const factsOf = (socket: TLSSocket, { leaf, openSsl: { facts } }: RealContext, serverName: string): TlsFacts => {
  const shown = socket.getPeerX509Certificate();
  const peer = shown && facts.certificateFacts(shown);
  return {
    version: socket.getProtocol() === 'TLSv1.2' ? 'TLSv1.2' : 'TLSv1.3',
    cipher: socket.getCipher().name,
    alpn: socket.alpnProtocol || '',
    serverName,
    isResumed: socket.isSessionReused(),
    ...(peer && { peer }),
    ...(leaf && { local: leaf }),
    peerChain: () => chainOf(socket),
  };
};

/** Leaf first; Node links each certificate to its issuer, the root to itself. */
const chainOf = (socket: TLSSocket): string => {
  const blocks: string[] = [];
  let certificate = socket.getPeerX509Certificate();
  while (certificate && blocks.length < 16) {
    const pem = certificate.toString();
    if (blocks.includes(pem)) break;
    blocks.push(pem);
    certificate = certificate.issuerCertificate;
  }
  return blocks.join('');
};

/** The socket as everybody above knows connections. Only the raw one can end with a reset. */
const asConnection = (socket: TLSSocket, raw: Connection, tls: TlsFacts): Connection =>
  Object.assign(socket, {
    local: raw.local,
    remote: raw.remote,
    tls,
    redirectedFrom: () => raw.redirectedFrom?.(),
    resetAndDestroy: () => {
      raw.resetAndDestroy();
      return socket.destroy();
    },
  });

/** A server that shares no protocol with its client chooses none, as Envoy's: OpenSSL would end the handshake. */
const protocolsFor = (own: readonly string[], offered: readonly string[] | undefined): string[] =>
  offered === undefined || own.some((name) => offered.includes(name)) ? [...own] : [];

/** A broken record or a second handshake: Node tells of those only to servers of its own, and would leave the connection as it is. */
const endOnTlsErrors = (socket: TLSSocket): void => {
  socket.on('_tlsError', (error: Error) => socket.destroy(error));
};

const accept = async (clock: Clock, raw: Connection, context: RealContext, how: AcceptTls): Promise<Connection> => {
  const { TLSSocket } = context.openSsl.tls;
  const alpn = protocolsFor(context.alpn, how.offered);
  const socket = new TLSSocket(
    raw as never,
    {
      isServer: true,
      allowHalfOpen: true,
      secureContext: context.secure,
      requestCert: how.clientCertificate !== 'ignored',
      // OpenSSL then ends the handshake of a client that shows none; what is shown is judged here.
      rejectUnauthorized: how.clientCertificate === 'required',
      ...(alpn.length > 0 && { ALPNProtocols: alpn }),
    } as never,
  );
  try {
    await handshake(socket, 'secure', clock, how.timeoutMs);
    endOnTlsErrors(socket);
    const { servername } = socket as { readonly servername?: string | false | null };
    const facts = factsOf(socket, context, servername ? servername.toLowerCase() : '');
    const isRequired = how.clientCertificate === 'required';
    const refusal = refusalOf(socket, facts.peer, {
      nowMs: clock.wallTimeMs(),
      verifies: context.verifies,
      isRequired,
      refuses: how.refuses,
    });
    if (refusal) throw refusal;
    return asConnection(socket, raw, facts);
  } catch (error) {
    socket.destroy();
    raw.destroy();
    throw error;
  }
};

const connect = async (clock: Clock, raw: Connection, context: RealContext, how: ConnectTls): Promise<Connection> => {
  const { tls } = context.openSsl;
  const kept = how.sessionKey === undefined ? undefined : context.sessions.get(how.sessionKey);
  // Node takes allowHalfOpen here as well, which its types do not say.
  const options: ConnectionOptions & { allowHalfOpen: boolean } = {
    socket: raw,
    allowHalfOpen: true,
    secureContext: context.secure,
    // Judged here: names by the configuration, and time by this world's clock too.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
    ...(how.serverName !== '' && { servername: how.serverName }),
    ...(context.alpn.length > 0 && { ALPNProtocols: [...context.alpn] }),
    ...(kept && { session: kept.ticket }),
  };
  const socket = tls.connect(options);
  const { sessionKey } = how;
  let facts: TlsFacts | undefined;
  // Tickets of TLS 1.3 come after the handshake, those of 1.2 with its last flight, before the facts are known.
  let early: Buffer | undefined;
  if (sessionKey !== undefined)
    socket.on('session', (ticket: Buffer) => {
      if (facts) context.keepSession(sessionKey, { ticket, peer: facts.peer });
      else early = ticket;
    });
  try {
    await handshake(socket, 'secureConnect', clock, how.timeoutMs);
    const shown = factsOf(socket, context, how.serverName);
    facts = shown.peer || !shown.isResumed || !kept?.peer ? shown : { ...shown, peer: kept.peer };
    if (sessionKey !== undefined && early) context.keepSession(sessionKey, { ticket: early, peer: facts.peer });
    const refusal = refusalOf(socket, facts.peer, {
      nowMs: clock.wallTimeMs(),
      verifies: context.verifies,
      isRequired: true,
      refuses: how.refuses,
    });
    if (refusal) throw refusal;
    return asConnection(socket, raw, facts);
  } catch (error) {
    if (sessionKey !== undefined) context.sessions.delete(sessionKey);
    socket.destroy();
    raw.destroy();
    throw error;
  }
};

const requestFor: Tls['requestFor'] = async (identity) => {
  const [{ generateKeyPairSync }, { certificateRequest }] = await Promise.all([import('node:crypto'), import('./certificate-request.ts')]);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), csr: certificateRequest(privateKey, identity) };
};

const read: Tls['read'] = async (pem) => {
  const { factsIn } = (await openSsl()).facts;
  try {
    return factsIn(pem);
  } catch (cause) {
    throw new TlsMaterialError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
};

/** The machine's TLS, in the time of that clock. */
export const realTls = (clock: Clock): Tls => ({
  requestFor,
  read,
  context: contextFrom,
  accept: (connection, context, how) => accept(clock, connection, realContext(context), how),
  connect: (connection, context, how) => connect(clock, connection, realContext(context), how),
});
