/**
 * Handshakes that compare who, whose authority and until when, and send no byte: both ends meet through the connection itself. What one end refuses, the other
 * learns as it would from a real one: a client of TLS 1.3 is content before its server is.
 */
import type { Clock } from '../clock.ts';
import type { Connection } from '../network.ts';
import type { Random } from '../random.ts';
import { factsOf, readCertificates, readKey, type SimulatedCertificate, writeKey, writeRequest } from './simulated-certificate.ts';
import { clientHello, takeGreeting } from './simulated-greeting.ts';
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

const CIPHER = 'TLS_AES_128_GCM_SHA256';

class SimulatedContext implements TlsContext {
  readonly chain: readonly SimulatedCertificate[];
  readonly roots: readonly SimulatedCertificate[] | undefined;
  readonly parameters: TlsParameters;

  constructor(chain: readonly SimulatedCertificate[], roots: readonly SimulatedCertificate[] | undefined, parameters: TlsParameters) {
    this.chain = chain;
    this.roots = roots;
    this.parameters = parameters;
  }

  get leaf(): CertificateFacts | undefined {
    return this.chain[0] && factsOf(this.chain[0]);
  }
}

const simulatedContext = (context: TlsContext): SimulatedContext => {
  if (context instanceof SimulatedContext) return context;
  throw new Error('invariant: a context of another world');
};

/** What one end says first. */
interface Greeting {
  readonly context: SimulatedContext;
  readonly serverName: string;
  /** Of a server: whether it asks for a certificate. */
  readonly asksForCertificate: boolean;
}

/** One handshake under way, kept with the connection that both ends share. */
class Meeting {
  readonly client = Promise.withResolvers<Greeting>();
  readonly server = Promise.withResolvers<Greeting>();
}

/** By the far end's address pair: what one end calls local the other calls remote. */
const meetingKey = (from: { address: string; port: number }, to: { address: string; port: number }): string =>
  `${from.address}:${from.port} ${to.address}:${to.port}`;

/** Why a chain is not to be believed; undefined when it is. */
const chainRefusal = (
  chain: readonly SimulatedCertificate[],
  roots: readonly SimulatedCertificate[],
  nowMs: number,
): string | undefined => {
  let current = chain[0];
  for (let depth = 0; current && depth < 8; depth++) {
    const late = timeRefusal(current, nowMs);
    if (late !== undefined) return late;
    const { signedBy } = current;
    const root = roots.find(({ key }) => key === signedBy);
    if (root) return timeRefusal(root, nowMs);
    current = chain.find(({ key, isAuthority }) => isAuthority && key === signedBy && current?.key !== key);
  }
  return 'unable to get local issuer certificate';
};

interface Judging {
  readonly own: SimulatedContext;
  readonly peer: readonly SimulatedCertificate[];
  readonly isRequired: boolean;
  readonly refuses: ((peer: CertificateFacts) => string | undefined) | undefined;
  readonly nowMs: number;
}

const refusalOf = ({ own, peer, isRequired, refuses, nowMs }: Judging): TlsHandshakeError | undefined => {
  const [leaf] = peer;
  if (!leaf) return isRequired ? certificateMissing() : undefined;
  if (!own.roots) return undefined;
  const chain = chainRefusal(peer, own.roots, nowMs);
  if (chain !== undefined) return chainRefused(chain);
  const name = refuses?.(factsOf(leaf));
  return name === undefined ? undefined : nameRefused(name);
};

/** What both will speak; undefined when they have no version in common. */
const versionOf = (a: TlsParameters, b: TlsParameters): TlsFacts['version'] | undefined => {
  const highest = a.maxVersion === 'TLSv1.2' ? a.maxVersion : b.maxVersion;
  return highest < a.minVersion || highest < b.minVersion ? undefined : highest;
};

const asConnection = (raw: Connection, tls: TlsFacts): Connection => Object.assign(raw, { tls });

/** The meetings of one world, and its TLS as a process at some address sees it. */
export class SimulatedTls {
  readonly #meetings = new Map<string, Meeting>();
  readonly #clock: Clock;
  #keys = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** random: of the process, so that keys have names that a seed repeats. */
  for(random: Random): Tls {
    return {
      requestFor: async (identity) => {
        const key = `key-${++this.#keys}-${Math.floor(random.float() * 0xffff_ffff).toString(16)}`;
        return { privateKey: writeKey(key), csr: writeRequest({ identity, key }) };
      },
      read: async (pem) => readCertificates(pem).map(factsOf),
      context: async (material, parameters) => contextFrom(material, parameters),
      accept: (connection, context, how) => this.#accept(connection, simulatedContext(context), how),
      connect: (connection, context, how) => this.#connect(connection, simulatedContext(context), how),
    };
  }

  #meeting(key: string): Meeting {
    const known = this.#meetings.get(key);
    if (known) return known;
    const meeting = new Meeting();
    this.#meetings.set(key, meeting);
    return meeting;
  }

  async #accept(raw: Connection, own: SimulatedContext, how: AcceptTls): Promise<Connection> {
    const key = meetingKey(raw.remote, raw.local);
    await takeGreeting(raw, () => handshakeBroken(new Error('wrong version number'))).catch((error: unknown) => {
      raw.destroy();
      throw error;
    });
    const meeting = this.#meeting(key);
    meeting.server.resolve({ context: own, serverName: '', asksForCertificate: how.clientCertificate !== 'ignored' });
    const client = await this.#other(raw, key, meeting.client.promise, how.timeoutMs);
    this.#meetings.delete(key);
    const shown = how.clientCertificate === 'ignored' ? [] : client.context.chain;
    return this.#judge(
      raw,
      { own, other: client, shown, serverName: client.serverName.toLowerCase(), protocols: 'server' },
      {
        own,
        peer: shown,
        isRequired: how.clientCertificate === 'required',
        refuses: how.refuses,
        nowMs: this.#clock.wallTimeMs(),
      },
    );
  }

  async #connect(raw: Connection, own: SimulatedContext, how: ConnectTls): Promise<Connection> {
    const key = meetingKey(raw.local, raw.remote);
    const meeting = this.#meeting(key);
    meeting.client.resolve({ context: own, serverName: how.serverName, asksForCertificate: true });
    // A server that looks at first bytes sees what it would see; it takes them away with the handshake.
    raw.write(clientHello(how.serverName, own.parameters.alpn));
    const server = await this.#other(raw, key, meeting.server.promise, how.timeoutMs);
    return this.#judge(
      raw,
      { own, other: server, shown: server.context.chain, serverName: how.serverName, protocols: 'client' },
      {
        own,
        peer: server.context.chain,
        isRequired: true,
        refuses: how.refuses,
        nowMs: this.#clock.wallTimeMs(),
      },
    );
  }

  /** The other end's greeting, unless the connection ends or time is up. */
  async #other(raw: Connection, key: string, greeted: Promise<Greeting>, timeoutMs: number): Promise<Greeting> {
    const ended = Promise.withResolvers<never>();
    const onClose = (): void => ended.reject(handshakeCut());
    // Bytes before the handshake is over are of somebody who speaks no TLS.
    const onBytes = (): void => ended.reject(raw.readableLength > 0 ? handshakeBroken(new Error('wrong version number')) : handshakeCut());
    raw.once('close', onClose).once('end', onClose).once('readable', onBytes);
    const cancel = this.#clock.after(timeoutMs, () => ended.reject(handshakeTimeout(timeoutMs)));
    try {
      return await Promise.race([greeted, ended.promise]);
    } catch (error) {
      this.#meetings.delete(key);
      raw.destroy();
      throw error;
    } finally {
      cancel();
      raw.off('close', onClose).off('end', onClose).off('readable', onBytes);
    }
  }

  #judge(raw: Connection, agreed: Agreement, judging: Judging): Connection {
    const { own, other, shown, serverName, protocols } = agreed;
    const version = versionOf(own.parameters, other.context.parameters);
    const refusal = version === undefined ? handshakeBroken(new Error('unsupported protocol')) : refusalOf(judging);
    if (refusal) {
      raw.destroy();
      throw refusal;
    }
    const [server, client] = protocols === 'server' ? [own, other.context] : [other.context, own];
    const alpn = server.parameters.alpn.find((name) => client.parameters.alpn.includes(name)) ?? '';
    const [peer] = shown;
    const { leaf } = own;
    return asConnection(raw, {
      version: version ?? 'TLSv1.3',
      cipher: CIPHER,
      alpn,
      serverName,
      isResumed: false,
      ...(peer && { peer: factsOf(peer) }),
      ...(leaf && { local: leaf }),
    });
  }
}

interface Agreement {
  readonly own: SimulatedContext;
  readonly other: Greeting;
  readonly shown: readonly SimulatedCertificate[];
  readonly serverName: string;
  readonly protocols: 'server' | 'client';
}

const contextFrom = ({ certificateChain, privateKey, trustedRoots }: TlsMaterial, parameters: TlsParameters): SimulatedContext => {
  const chain = certificateChain === undefined ? [] : readCertificates(certificateChain);
  if (certificateChain !== undefined && chain.length === 0) throw new TlsMaterialError('there is no certificate in the chain');
  if (privateKey !== undefined && chain[0]?.key !== readKey(privateKey)) throw new TlsMaterialError('key values mismatch');
  return new SimulatedContext(chain, trustedRoots === undefined ? undefined : readCertificates(trustedRoots), parameters);
};
