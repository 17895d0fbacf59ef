/**
 * A JSON Web Key Set (RFC 7517), and whether one of its keys signed a token. A key works for its own algorithms only, so that a public key is never
 * a secret; and keys come from here alone: what a token's header says of keys (`jwk`, `jku`, `x5c` …) is not even read.
 *
 * node:crypto is synchronous here, as the simulated world needs it, and seven times as fast as WebCrypto for one RSA signature.
 */
import type { KeyObject, webcrypto } from 'node:crypto';
import { base64urlBytes } from './base64url.ts';
import { type Json, type JsonObject, parseObject } from './claims-json.ts';
import type { JwtFailure } from './failures.ts';
import type { Token } from './token.ts';

type Crypto = typeof import('node:crypto');

/** Loaded when the first key is read: most proxies never see one. */
const crypto = (): Crypto => process.getBuiltinModule('node:crypto');

interface Key {
  readonly id: string | undefined;
  /** Algorithms that the key may be used with. */
  readonly algorithms: ReadonlySet<string>;
  readonly verify: (data: Buffer, signature: Uint8Array, algorithm: string) => boolean;
  readonly kind: string;
  /** `alg` of the key. */
  readonly declared: string | undefined;
}

/** Keys of one issuer; empty when there is nothing usable in the text. */
export interface KeySet {
  readonly keys: readonly Key[];
}

const MAX_KEYS = 256;
const MIN_RSA_BITS = 1024;
const MAX_RSA_BITS = 8192;
const ED25519_BYTES = 64;

/** What follows from a key's material alone. */
type Usable = Pick<Key, 'algorithms' | 'verify'>;

const hashOf = (algorithm: string): string => `sha${algorithm.slice(2)}`;

const publicKey = (jwk: JsonObject, ...names: readonly string[]): KeyObject => {
  const fields = names.map((name): [string, Json | undefined] => [name, jwk[name]]);
  for (const [name, value] of fields) if (typeof value !== 'string') throw new TypeError(`${name} is not text`);
  return crypto().createPublicKey({ key: Object.fromEntries(fields) as webcrypto.JsonWebKey, format: 'jwk' });
};

const rsa = (jwk: JsonObject): Usable => {
  const key = publicKey(jwk, 'kty', 'n', 'e');
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) throw new RangeError(`${bits} bits`);
  return {
    algorithms: new Set(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']),
    verify: (data, signature, algorithm) => {
      const { verify, constants } = crypto();
      const padding = algorithm.startsWith('PS') ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
      const pss = algorithm.startsWith('PS') ? { saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : {};
      return verify(hashOf(algorithm), data, { key, padding, ...pss }, signature);
    },
  };
};

const CURVES: Readonly<Record<string, readonly [algorithm: string, signatureBytes: number]>> = {
  'P-256': ['ES256', 64],
  'P-384': ['ES384', 96],
  'P-521': ['ES512', 132],
};

const ec = (jwk: JsonObject): Usable => {
  const name = typeof jwk.crv === 'string' && Object.hasOwn(CURVES, jwk.crv) ? jwk.crv : '';
  const [algorithm, bytes] = CURVES[name] ?? ['', 0];
  if (algorithm === '') throw new TypeError('another curve');
  const key = publicKey(jwk, 'kty', 'crv', 'x', 'y');
  return {
    algorithms: new Set([algorithm]),
    // The raw form r | s alone, each of the curve's length.
    verify: (data, signature) =>
      signature.length === bytes && crypto().verify(hashOf(algorithm), data, { key, dsaEncoding: 'ieee-p1363' }, signature),
  };
};

const ed25519 = (jwk: JsonObject): Usable => {
  if (jwk.crv !== 'Ed25519') throw new TypeError('another curve');
  const key = publicKey(jwk, 'kty', 'crv', 'x');
  return { algorithms: new Set(['EdDSA']), verify: (data, signature) => crypto().verify(null, data, key, signature) };
};

const secret = (jwk: JsonObject): Usable => {
  const bytes = typeof jwk.k === 'string' ? base64urlBytes(jwk.k) : undefined;
  if (!bytes || bytes.length === 0) throw new TypeError('k is not base64url');
  return {
    algorithms: new Set(['HS256', 'HS384', 'HS512']),
    verify: (data, signature, algorithm) => {
      const { createHmac, timingSafeEqual } = crypto();
      const expected = createHmac(hashOf(algorithm), bytes).update(data).digest();
      return expected.length === signature.length && timingSafeEqual(expected, signature);
    },
  };
};

const KINDS: Readonly<Record<string, (jwk: JsonObject) => Usable>> = { RSA: rsa, EC: ec, OKP: ed25519, oct: secret };

/** Undefined for a key that cannot be used; the others of its set can. */
const keyOf = (jwk: Json): Key | undefined => {
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) return undefined;
  const { kty, kid, alg, use } = jwk as JsonObject;
  if (typeof kty !== 'string' || !Object.hasOwn(KINDS, kty) || (kid !== undefined && typeof kid !== 'string')) return undefined;
  if ((alg !== undefined && typeof alg !== 'string') || (use !== undefined && use !== 'sig')) return undefined;
  try {
    const key = KINDS[kty]?.(jwk as JsonObject);
    if (!key || (alg !== undefined && !key.algorithms.has(alg))) return undefined;
    return { ...key, kind: kty, id: kid || undefined, declared: alg };
  } catch {
    // OpenSSL's words say nothing that the reader of a log could use.
    return undefined;
  }
};

/** Undefined when the text is no key set at all. */
export const parseKeySet = (text: string): KeySet | undefined => {
  const keys = parseObject(text)?.keys;
  return Array.isArray(keys) && keys.length <= MAX_KEYS
    ? { keys: (keys as readonly Json[]).flatMap((each) => keyOf(each) ?? []) }
    : undefined;
};

/** OpenSSL throws at some signatures instead of refusing them. */
const isSigned = (key: Key, data: Buffer, { signature, algorithm }: Token): boolean => {
  try {
    return key.verify(data, signature, algorithm);
  } catch {
    return false;
  }
};

/** Undefined when one of the keys that fit signed the token. A token without `kid` is tried with all, a key without `kid` on all. */
export const signatureFailure = (token: Token, { keys }: KeySet): JwtFailure | undefined => {
  if (keys.length === 0) return 'noKeys';
  let isKnown = false;
  const data = Buffer.from(token.signedText, 'latin1');
  for (const key of keys) {
    if (token.keyId && key.id !== undefined && key.id !== token.keyId) continue;
    if (key.declared !== undefined && key.declared !== token.algorithm) continue;
    isKnown = true;
    if (!key.algorithms.has(token.algorithm)) continue;
    if (key.kind === 'OKP' && token.signature.length !== ED25519_BYTES) return 'ed25519Length';
    if (isSigned(key, data, token)) return undefined;
  }
  return isKnown ? 'signature' : 'noKey';
};
