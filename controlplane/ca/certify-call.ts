/** One call of IstioCertificateService.CreateCertificate: who calls, what is answered. Without its transport. */
import { parseSpiffeId } from '#api/spiffe-id.ts';
import { IstioCertificateRequest, IstioCertificateResponse } from '#envoy';
import type { Log } from '#system/log.ts';
import type { Admission } from './attestation.ts';
import type { CertificateAuthority } from './certificate-authority.ts';
import { RequestRefused } from './signer.ts';

/** A client's certificate whose chain leads to a root of ours. */
export interface VerifiedClient {
  readonly uris: readonly string[];
  /** Lower-case hexadecimal. */
  readonly serial: string;
  readonly notAfterMs: number;
}

/** What the transport knows of the caller. */
export interface Caller {
  readonly client?: VerifiedClient;
  readonly authorization: string;
}

/** What a call needs. */
export interface CallContext {
  readonly authority: CertificateAuthority;
  readonly nowMs: () => number;
  readonly trustDomain: string;
  readonly log: Log;
}

/** gRPC status codes that are answered. */
const CODES = { ok: 0, internal: 13, malformed: 3, 'another identity': 7, unauthenticated: 16 } as const;

/** message: of the answer; empty unless the code is 0. */
export interface CallResult {
  readonly code: number;
  readonly details: string;
  readonly message: Uint8Array;
}

const NOTHING = new Uint8Array();

/** Never rejects. */
export const certifyCall = async (bytes: Uint8Array, caller: Caller, context: CallContext): Promise<CallResult> => {
  try {
    const request = decode(bytes);
    const admission = admissionOf(caller, context);
    const { chain } = await context.authority.issue({ csr: request.csr, lifeSeconds: request.validityDuration, ...admission });
    return { code: CODES.ok, details: '', message: IstioCertificateResponse.encode({ certChain: [...chain] }).finish() };
  } catch (error) {
    if (error instanceof RequestRefused) {
      context.log.warn('ca.refused', { reason: error.message });
      return { code: CODES[error.reason], details: error.message, message: NOTHING };
    }
    context.log.error('ca.failed', { reason: error instanceof Error ? error.message : String(error) });
    return { code: CODES.internal, details: 'the authority failed', message: NOTHING };
  }
};

const decode = (bytes: Uint8Array): IstioCertificateRequest => {
  try {
    return IstioCertificateRequest.decode(bytes);
  } catch {
    throw new RequestRefused('malformed', 'the message is not an IstioCertificateRequest');
  }
};

/** Who already has a certificate of ours in force renews it; everybody else needs a token. */
const admissionOf = ({ client, authorization }: Caller, context: CallContext): Admission => {
  const renewing = client && renewalOf(client, context);
  if (renewing) return renewing;
  const [, token] = /^Bearer (\S+)$/i.exec(authorization) ?? [];
  if (token !== undefined) return context.authority.redeem(token);
  throw new RequestRefused('unauthenticated', 'the caller shows neither a certificate of this mesh in force nor a token');
};

const renewalOf = ({ uris, serial, notAfterMs }: VerifiedClient, { authority, nowMs, trustDomain }: CallContext): Admission | undefined => {
  const [uri, ...more] = uris;
  const identity = uri === undefined || more.length > 0 ? undefined : parseSpiffeId(uri);
  if (identity?.trustDomain !== trustDomain || notAfterMs <= nowMs()) return undefined;
  const holder = authority.holderOf(serial);
  return { identity, ...(holder !== undefined && { holder }) };
};
