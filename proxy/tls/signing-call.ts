/**
 * One call of IstioCertificateService.CreateCertificate, on node:http2 and TLS alone. Loaded only where a certificate comes from an authority that listens.
 * Source: grpc/doc/PROTOCOL-HTTP2.md.
 */
import { type ClientHttp2Session, connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import { IstioCertificateRequest, IstioCertificateResponse } from '#envoy';
import type { Clock } from '#system/clock.ts';
import type { SocketAddress } from '#system/network.ts';
import type { IssueCertificate, IssueRequest } from './certificate-client.ts';

/** Where the authority is, and how each knows the other. */
export interface SigningService {
  readonly at: SocketAddress;
  /** DNS name that its certificate must have. */
  readonly name: string;
  /** PEM; read at each call, until the mesh's own trust has arrived. */
  readonly roots: () => Promise<string>;
  /** Read at each call that has no certificate to show. */
  readonly token: () => Promise<string>;
  readonly clock: Clock;
}

const METHOD = '/istio.v1.auth.IstioCertificateService/CreateCertificate';
const CALL_MS = 10_000;
const MAX_RESPONSE_BYTES = 1024 * 1024;
const PREFIX_BYTES = 5;

/** Shows the current certificate where there is one, else the token. Rejects with words that hold neither. */
export const signingCall =
  (service: SigningService): IssueCertificate =>
  async (request) => {
    const roots = request.trustedRoots ?? (await service.roots());
    const token = request.current ? undefined : (await service.token()).trim();
    const response = await call(service, request, { roots, token });
    // The root comes last; whoever verifies has it, or would not believe it.
    const shown = response.certChain.length > 1 ? response.certChain.slice(0, -1) : response.certChain;
    const chain = shown.map((pem) => pem.trim()).join('\n');
    if (chain === '') throw new Error('the authority answered without a certificate');
    return `${chain}\n`;
  };

interface Proofs {
  readonly roots: string;
  readonly token: string | undefined;
}

const call = async (service: SigningService, request: IssueRequest, proofs: Proofs): Promise<IstioCertificateResponse> => {
  const session = open(service, request, proofs.roots);
  const failed = Promise.withResolvers<never>();
  const fail = (error: Error): void => failed.reject(error);
  session.on('error', fail);
  const cancel = service.clock.after(CALL_MS, () => fail(new Error(`no answer within ${CALL_MS / 1000} s`)));
  try {
    return await Promise.race([exchange(session, request, proofs.token), failed.promise]);
  } finally {
    cancel();
    session.destroy();
  }
};

const open = ({ at, name }: SigningService, { current }: IssueRequest, roots: string): ClientHttp2Session =>
  connectHttp2(`https://${name}`, {
    createConnection: () =>
      connectTls({
        host: at.address,
        port: at.port,
        servername: name,
        ca: roots,
        minVersion: 'TLSv1.2',
        ALPNProtocols: ['h2'],
        ...(current && { cert: current.certificateChain, key: current.privateKey }),
      }),
  });

const exchange = async (session: ClientHttp2Session, { csr, lifeSeconds }: IssueRequest, token: string | undefined) => {
  const stream = session.request({
    ':method': 'POST',
    ':path': METHOD,
    'content-type': 'application/grpc',
    te: 'trailers',
    'user-agent': 'dinghy',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  });
  const over = Promise.withResolvers<void>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  let status: IncomingHttpHeaders = {};
  stream
    .on('response', (headers) => {
      if (headers['grpc-status'] !== undefined) status = headers;
      else if (headers[':status'] !== 200) over.reject(new Error(`HTTP status ${headers[':status']}`));
    })
    .on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_RESPONSE_BYTES) over.reject(new Error(`the answer is longer than ${MAX_RESPONSE_BYTES} bytes`));
      else chunks.push(chunk);
    })
    .on('trailers', (trailers) => {
      status = trailers;
    })
    .on('error', over.reject)
    .on('close', () => over.resolve());
  const message = IstioCertificateRequest.encode(IstioCertificateRequest.fromPartial({ csr, validityDuration: lifeSeconds })).finish();
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  stream.end(Buffer.concat([prefix, message]));
  await over.promise;
  return answerOf(status, Buffer.concat(chunks));
};

const answerOf = (status: IncomingHttpHeaders, body: Buffer): IstioCertificateResponse => {
  const code = status['grpc-status'];
  if (code === undefined) throw new Error('the authority closed without a status');
  if (code !== '0') throw new Error(`${code}, ${wordsOf(String(status['grpc-message'] ?? ''))}`);
  if (body.length < PREFIX_BYTES || body[0] !== 0 || body.readUInt32BE(1) !== body.length - PREFIX_BYTES)
    throw new Error('the answer is not one whole message');
  return IstioCertificateResponse.decode(body.subarray(PREFIX_BYTES));
};

const wordsOf = (message: string): string => {
  try {
    return decodeURIComponent(message).slice(0, 500);
  } catch {
    return message.slice(0, 500);
  }
};
