/** A signed token in compact form (RFC 7515, RFC 7519), read but not believed. */
import { base64urlBytes, utf8Text } from './base64url.ts';
import { type Json, type JsonObject, parseObject } from './claims-json.ts';
import type { JwtFailure } from './failures.ts';

/** What a token says. Times in seconds since the Unix epoch. */
export interface Token {
  /** The part that is signed, as it came. */
  readonly signedText: string;
  readonly payloadText: string;
  readonly header: JsonObject;
  readonly payload: JsonObject;
  readonly signature: Uint8Array;
  readonly algorithm: string;
  readonly keyId: string | undefined;
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
  readonly expiresAt: number | undefined;
  readonly notBefore: number | undefined;
}

const MAX_CHARACTERS = 64 * 1024;
const ALGORITHMS: ReadonlySet<string> = new Set([
  ...['ES256', 'ES384', 'ES512', 'HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'EdDSA'],
]);

/** Ends the reading of a token. */
class Unreadable extends Error {
  readonly failure: JwtFailure;

  constructor(failure: JwtFailure) {
    super(failure);
    this.failure = failure;
  }
}

const fail = (failure: JwtFailure): never => {
  throw new Unreadable(failure);
};

const objectOf = (part: string, badBase64: JwtFailure, badJson: JwtFailure): JsonObject => {
  const bytes = base64urlBytes(part) ?? fail(badBase64);
  const text = utf8Text(bytes) ?? fail(badJson);
  return parseObject(text) ?? fail(badJson);
};

const textOf = (value: Json | undefined, failure: JwtFailure): string | undefined =>
  value === undefined || typeof value === 'string' ? value : fail(failure);

const timeOf = (value: Json | undefined, type: JwtFailure, range: JwtFailure): number | undefined => {
  if (value === undefined) return undefined;
  if (typeof value !== 'number') return fail(type);
  return value >= 0 && value < 2 ** 63 ? Math.trunc(value) : fail(range);
};

const audiencesOf = (value: Json | undefined): readonly string[] => {
  if (value === undefined) return [];
  if (typeof value === 'string') return [value];
  return Array.isArray(value) && value.every((each) => typeof each === 'string') ? value : fail('audienceType');
};

const read = (text: string): Token => {
  if (text.length > MAX_CHARACTERS) fail('format');
  const [first = '', second = '', third = '', ...more] = text.split('.', 4);
  if (first === '' || second === '' || third === '' || more.length > 0) fail('format');
  const header = objectOf(first, 'headerBase64', 'headerJson');
  if (typeof header.alg !== 'string') fail('algorithmMissing');
  const algorithm = String(header.alg);
  if (!ALGORITHMS.has(algorithm)) fail('algorithm');
  // Both change what is signed or how; nothing that does is understood here.
  if (header.crit !== undefined || header.b64 !== undefined) fail('critical');
  const keyId = textOf(header.kid, 'keyId');
  const payload = objectOf(second, 'payloadBase64', 'payloadJson');
  const issuer = textOf(payload.iss, 'issuerType') ?? '';
  const subject = textOf(payload.sub, 'subjectType') ?? '';
  timeOf(payload.iat, 'issuedAtType', 'issuedAtRange');
  const notBefore = timeOf(payload.nbf, 'notBeforeType', 'notBeforeRange');
  const expiresAt = timeOf(payload.exp, 'expiryType', 'expiryRange');
  textOf(payload.jti, 'idType');
  const audiences = audiencesOf(payload.aud);
  const signature = base64urlBytes(third) ?? fail('signatureBase64');
  const signedText = `${first}.${second}`;
  return {
    ...{ signedText, payloadText: second, header, payload, signature, algorithm, keyId },
    ...{ issuer, subject, audiences, expiresAt, notBefore },
  };
};

/** Never throws, whatever the text. */
export const parseToken = (text: string): Token | JwtFailure => {
  try {
    return read(text);
  } catch (error) {
    if (error instanceof Unreadable) return error.failure;
    throw error;
  }
};
