/**
 * IstioCertificateService over gRPC and TLS. Client certificates are asked for and not required: a first call brings a token instead. Its gRPC is written here because
 * grpc-js does not tell whether a certificate that was not required was verified, and cannot change the server's own while it listens.
 */
import { X509Certificate } from 'node:crypto';
import {
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { TLSSocket } from 'node:tls';
import type { SocketAddress } from '#system/network.ts';
import type { System } from '#system/system.ts';
import { type CertificateAuthority, ownIdentity } from './certificate-authority.ts';
import { type Caller, type CallResult, certifyCall, type VerifiedClient } from './certify-call.ts';
import type { X509Signer } from './x509-signer.ts';

/** As the gRPC method is called. */
export const CREATE_CERTIFICATE = '/istio.v1.auth.IstioCertificateService/CreateCertificate';
/** Name under which proxies know the authority, as istiod. */
export const AUTHORITY_NAME = 'istiod.istio-system.svc';

const MAX_MESSAGE_BYTES = 16_384;
const FRAME_HEAD_BYTES = 5;
const MAX_SESSIONS = 1_000;
const MAX_CALLS_AT_ONCE = 64;
/** A renewal takes one connection; longer ones are of nobody that we know. */
const CONNECTION_MS = 30_000;
const CALL_MS = 10_000;
const OWN_LIFE_S = 24 * 3_600;
const STATUS = { invalid: 3, exhausted: 8, unimplemented: 12, late: 4 };

/** What the service needs. */
export interface SigningServiceOptions {
  readonly authority: CertificateAuthority<X509Signer>;
  readonly trustDomain: string;
  readonly system: Pick<System, 'clock' | 'log'>;
}

/** A service that listens. */
export interface SigningService {
  readonly address: SocketAddress;
  close(): Promise<void>;
}

/** Port 0 lets the system choose. Rejects when the address cannot be bound. */
export const listenForSigning = async (options: SigningServiceOptions, at: SocketAddress): Promise<SigningService> => {
  const server = createSecureServer({
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    handshakeTimeout: CALL_MS,
    // No resumption: who a caller is is proved anew on each connection.
    sessionTimeout: 1,
    settings: { maxConcurrentStreams: 16, maxHeaderListSize: 16_384 },
    ALPNProtocols: ['h2'],
  });
  const sessions = new Set<ServerHttp2Session>();
  const stopRenewing = await keepOwnCertificate(server, options, () => {
    // Who was let in under other roots proves again who it is.
    for (const session of sessions) session.close();
  });
  server.on('session', (session) => {
    if (sessions.size >= MAX_SESSIONS) return session.destroy();
    sessions.add(session);
    const cancel = options.system.clock.after(CONNECTION_MS, () => session.close());
    session
      .on('error', () => {})
      .on('close', () => {
        cancel();
        sessions.delete(session);
      });
  });
  server.on('tlsClientError', () => {}).on('sessionError', () => {});
  serveCalls(server, options);
  const port = await listen(server, at);
  return {
    address: { address: at.address, port },
    close: () => {
      stopRenewing();
      for (const session of sessions) session.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
};

const listen = (server: Http2SecureServer, { address, port }: SocketAddress): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port }, () => {
      const bound = server.address();
      server.off('error', reject).on('error', () => {});
      resolve(typeof bound === 'object' && bound !== null ? bound.port : port);
    });
  });

/** A certificate of its own authority, replaced at half its life and whenever the roots change. Gives what ends that. */
const keepOwnCertificate = async (
  server: Http2SecureServer,
  { authority, trustDomain, system }: SigningServiceOptions,
  changed: () => void,
): Promise<() => void> => {
  const { clock, log } = system;
  let ended = false;
  let cancel = (): void => {};
  const renew = async (): Promise<void> => {
    cancel();
    const { signer, roots } = authority;
    const identity = ownIdentity(trustDomain);
    const order = { identity, lifeSeconds: OWN_LIFE_S, nowMs: clock.wallTimeMs(), dnsName: AUTHORITY_NAME };
    const own = await signer.certifySelf(order);
    if (ended) return;
    server.setSecureContext({ cert: own.chain, key: own.privateKey, ca: roots });
    cancel = clock.after((own.notAfterMs - clock.wallTimeMs()) / 2, again);
  };
  const again = (): void =>
    void renew().catch((error: unknown) =>
      log.error('ca.own-certificate', { reason: error instanceof Error ? error.message : String(error) }),
    );
  authority.onChange(() => {
    again();
    changed();
  });
  await renew();
  return () => {
    ended = true;
    cancel();
  };
};

const serveCalls = (server: Http2SecureServer, { authority, trustDomain, system }: SigningServiceOptions): void => {
  const { clock, log } = system;
  const context = { authority, trustDomain, log, nowMs: () => clock.wallTimeMs() };
  let calls = 0;
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => {});
    if (headers[':path'] !== CREATE_CERTIFICATE) return answer(stream, failure(STATUS.unimplemented, 'there is no such method here'));
    if (calls >= MAX_CALLS_AT_ONCE) return answer(stream, failure(STATUS.exhausted, 'too many calls at once'));
    calls++;
    const cancel = clock.after(CALL_MS, () => answer(stream, failure(STATUS.late, `the call took longer than ${CALL_MS / 1_000} s`)));
    stream.once('close', () => {
      cancel();
      calls--;
    });
    readMessage(stream)
      .then((message) => (message instanceof Uint8Array ? certifyCall(message, callerOf(stream, headers), context) : message))
      .then((result) => answer(stream, result))
      .catch(() => stream.destroy());
  });
};

const failure = (code: number, details: string): CallResult => ({ code, details, message: new Uint8Array() });

/** The one message of the call, or why it is none. */
const readMessage = async (stream: ServerHttp2Stream): Promise<Uint8Array | CallResult> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_MESSAGE_BYTES + FRAME_HEAD_BYTES) return failure(STATUS.exhausted, `a message of more than ${MAX_MESSAGE_BYTES} bytes`);
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  if (bytes.length < FRAME_HEAD_BYTES || bytes[0] !== 0 || bytes.readUInt32BE(1) !== bytes.length - FRAME_HEAD_BYTES)
    return failure(STATUS.invalid, 'exactly one uncompressed message is expected');
  return bytes.subarray(FRAME_HEAD_BYTES);
};

const answer = (stream: ServerHttp2Stream, { code, details, message }: CallResult): void => {
  if (stream.destroyed || stream.headersSent) return;
  const trailers = { 'grpc-status': String(code), 'grpc-message': encodeURI(details) };
  const head = { ':status': 200, 'content-type': 'application/grpc' };
  if (code !== 0) {
    stream.respond({ ...head, ...trailers }, { endStream: true });
    // What is still to come is not read.
    stream.close();
    return;
  }
  stream.respond(head, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  const frame = Buffer.alloc(FRAME_HEAD_BYTES);
  frame.writeUInt32BE(message.length, 1);
  stream.end(Buffer.concat([frame, message]));
};

const callerOf = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Caller => {
  const client = clientOf(stream.session?.socket);
  return { authorization: headers.authorization ?? '', ...(client && { client }) };
};

/** Undefined unless its chain leads to a root of ours. */
const clientOf = (socket: unknown): VerifiedClient | undefined => {
  // Http2Session shows its socket through a proxy object, which is an instance all the same.
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const { raw } = socket.getPeerCertificate(false);
  if (raw === undefined) return undefined;
  const certificate = new X509Certificate(raw);
  return {
    uris: urisOf(certificate),
    serial: certificate.serialNumber.toLowerCase(),
    notAfterMs: certificate.validToDate.getTime(),
  };
};

/** Names with quotes in them are Node's way to write what could be misread; ours have none. */
const urisOf = ({ subjectAltName = '' }: X509Certificate): string[] =>
  subjectAltName
    .split(', ')
    .filter((name) => name.startsWith('URI:'))
    .map((name) => name.slice('URI:'.length));
