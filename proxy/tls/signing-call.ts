/**
 * One call of IstioCertificateService.CreateCertificate, on node:http2 and TLS alone. Loaded only where a certificate comes from an authority that listens.
 * Source: grpc/doc/PROTOCOL-HTTP2.md.
 */
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import { IstioCertificateRequest, IstioCertificateResponse } from '#envoy';
import type { Clock } from '#system/clock.ts';
import type { SocketAddress } from '#system/network.ts';
import { UNARY_HEADERS, unaryCall } from '#system/sockets/unary-call.ts';
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
  const stream = session.request({ ...UNARY_HEADERS, ':path': METHOD, ...(token !== undefined && { authorization: `Bearer ${token}` }) });
  const message = IstioCertificateRequest.encode(IstioCertificateRequest.fromPartial({ csr, validityDuration: lifeSeconds })).finish();
  return IstioCertificateResponse.decode(await unaryCall(stream, message, { maxBytes: MAX_RESPONSE_BYTES }));
};
