/** Text from an issuer → a key set that may be shown to proxies. Pure. */
import { createPublicKey, type webcrypto } from 'node:crypto';
import { createLocalJWKSet, type JSONWebKeySet } from 'jose';

/** More keys than that in one set are a mistake or an attack. */
const MOST_KEYS = 100;

/** Members of a key that only its owner may know: they are not passed on to every proxy's configuration. Source: RFC 7518, 6.2.2 and 6.3.2. */
const PRIVATE: ReadonlySet<string> = new Set(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth']);

/**
 * The same keys always give the same text. Throws an Error that quotes nothing of what came.
 *
 * Shared secrets (`oct`) are left out: whoever can read them could sign too. So are keys that cannot be used: one of them would cost a proxy its listener.
 */
export const readKeySet = (text: string): string => {
  const set = readJson(text);
  if (!isKeySet(set)) throw new Error('not a key set');
  if (set.keys.length > MOST_KEYS) throw new Error(`more than ${MOST_KEYS} keys`);
  const keys = set.keys.map(publicPart).filter(isPublicKey);
  if (keys.length === 0) throw new Error('no public key in it');
  return JSON.stringify({ keys });
};

/** Where an issuer says that its keys are. Source: OpenID Connect Discovery 1.0, 4. */
export const readKeySetAddress = (text: string, issuer: string): string => {
  const document = readJson(text);
  const address = typeof document === 'object' && document !== null && 'jwks_uri' in document ? document.jwks_uri : undefined;
  if (typeof address !== 'string') throw new Error('its description names no jwks_uri');
  if (issuer.startsWith('https:') && !address.startsWith('https:')) throw new Error('its jwks_uri is less secure than itself');
  return address;
};

/** The address of an issuer's description. */
export const descriptionOf = (issuer: string): string => `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;

const readJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('not JSON');
  }
};

const isKeySet = (value: unknown): value is JSONWebKeySet => {
  try {
    createLocalJWKSet(value as JSONWebKeySet);
    return true;
  } catch {
    return false;
  }
};

const isPublicKey = (key: webcrypto.JsonWebKey): boolean => {
  try {
    createPublicKey({ key, format: 'jwk' });
    return true;
  } catch {
    return false;
  }
};

const publicPart = (key: object): webcrypto.JsonWebKey =>
  Object.fromEntries(Object.entries(key).filter(([member]) => !PRIVATE.has(member)));
