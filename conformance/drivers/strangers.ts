/** Clients of a case's own that shake hands as they like: through OpenSSL on sockets, and by the simulated world's handshake in memory. */
import { X509Certificate } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import type { Connection } from '#system/network.ts';
import { certificateFacts } from '#system/tls/certificate-facts.ts';
import type { Tls } from '#system/tls/tls.ts';
import type { Certifier, KeyPair } from '../certificates/leaf-wishes.ts';
import { simulatedCertifier } from '../certificates/simulated-certifier.ts';
import type { Shaken, Stranger } from '../define-case.ts';
import { HandshakeFailed } from '../expect.ts';
import type { LiveMesh } from './live-mesh.ts';
import { openWire } from './wire.ts';

const PATIENCE_MS = 5_000;
const A_WORKLOAD = 'spiffe://cluster.local/ns/default/sa/bookinfo-productpage';
const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

/** Who signs for strangers. mesh: with the mesh's own root; absent where the suite has not made that. */
export interface Authorities {
  readonly mesh?: Certifier;
  readonly foreign: Certifier;
}

const certifierOf = async (live: LiveMesh, by: 'mesh' | 'foreign', authorities: Authorities | undefined): Promise<Certifier> => {
  if (live.tls !== undefined) {
    const roots = by === 'mesh' ? (await live.identity?.report())?.roots : undefined;
    return simulatedCertifier(live.wallTimeMs, roots?.find(({ isSigning }) => isSigning)?.pem);
  }
  const certifier = authorities?.[by];
  if (certifier === undefined) throw new Error('nobody signs for strangers in this mesh');
  return certifier;
};

const overSockets = (socket: Duplex, stranger: Stranger, pair: KeyPair | undefined): Promise<Shaken> =>
  new Promise((resolve, reject) => {
    const { serverName, alpn, versions: [minVersion, maxVersion] = VERSIONS } = stranger;
    const tls = connect({
      socket,
      ...(serverName !== undefined && { servername: serverName }),
      ...(alpn !== undefined && { ALPNProtocols: [...alpn] }),
      ...(pair && { cert: pair.certificateChain, key: pair.privateKey }),
      ...{ minVersion, maxVersion },
      // Strangers believe everybody, and would speak what nobody should.
      rejectUnauthorized: false,
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    const fail = (error: Error): void => {
      tls.destroy();
      reject(new HandshakeFailed(error.message, { cause: error }));
    };
    const onClose = (): void => fail(new Error('the connection was closed in the handshake'));
    const timer = setTimeout(() => fail(new Error(`no handshake within ${PATIENCE_MS} ms`)), PATIENCE_MS);
    tls.once('error', fail).once('close', onClose);
    tls.once('secureConnect', () => {
      clearTimeout(timer);
      tls.off('error', fail).off('close', onClose);
      const server = certificateFacts(new X509Certificate(tls.getPeerCertificate().raw));
      resolve({ ...openWire(tls, ''), server, version: tls.getProtocol() ?? '', alpn: tls.alpnProtocol || '' });
    });
    tls.once('close', () => clearTimeout(timer));
  });

const inMemory = async (tls: Tls, connection: Connection, stranger: Stranger, pair: KeyPair | undefined): Promise<Shaken> => {
  const { serverName = '', alpn = [], versions = VERSIONS } = stranger;
  const [minVersion, maxVersion] = versions.map((version) => {
    const known = VERSIONS.find((one) => one === version);
    if (known === undefined) throw new Error(`the simulated world has no ${version}`);
    return known;
  });
  const context = await tls.context(pair ?? {}, {
    ...{ minVersion: minVersion ?? 'TLSv1.2', maxVersion: maxVersion ?? 'TLSv1.3' },
    ...{ cipherSuites: [], alpn },
  });
  const shaken = await tls.connect(connection, context, { serverName, timeoutMs: PATIENCE_MS }).catch((error: unknown) => {
    throw new HandshakeFailed(String(error), { cause: error });
  });
  const facts = shaken.tls;
  if (facts?.peer === undefined) throw new Error('invariant: a handshake that succeeded has facts');
  return { ...openWire(shaken, ''), server: facts.peer, version: facts.version, alpn: facts.alpn };
};

/** Rejects with HandshakeFailed when the handshake fails at once; what a server of TLS 1.3 refuses later is seen on the wire, which ends without a byte. */
export const shake = async (
  live: LiveMesh,
  to: { readonly address: string; readonly port: number },
  stranger: Stranger,
  authorities?: Authorities,
): Promise<Shaken> => {
  const { signedBy, certificate = {} } = stranger;
  const wishes = { uris: [A_WORKLOAD], ...certificate };
  const pair = signedBy && (await (await certifierOf(live, signedBy, authorities)).issue(wishes));
  const connection = await live.connect(to.address, to.port);
  if (live.tls === undefined) return await overSockets(connection, stranger, pair);
  return await inMemory(live.tls, connection as Connection, stranger, pair);
};
