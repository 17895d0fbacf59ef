/** Tokens as issuers, and as attackers, make them: signed with keys of the suite's own. Sources: RFC 7515, 7519, 8725, and the failures of others. */
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/** An issuer's key and the set that publishes it. */
export interface TestIssuer {
  readonly issuer: string;
  /** JSON text of the JWKS. */
  readonly jwks: string;
  /** A good token: an hour left, for the audience `lab`, unless said otherwise. nowMs: wall time that the mesh judges by. */
  token(claims?: Readonly<Record<string, unknown>>, header?: Readonly<Record<string, unknown>>): string;
  readonly publicKeyPem: string;
}

const encode = (value: unknown): string => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

const signed = (header: object, claims: unknown, key: KeyObject): string => {
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`;
};

/** RS256, key id `one`. wallTimeMs: the mesh's idea of now. */
export const testIssuer = (issuer: string, wallTimeMs: () => number, kid = 'one'): TestIssuer => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = { ...publicKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' };
  return {
    issuer,
    jwks: JSON.stringify({ keys: [key] }),
    publicKeyPem: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
    token: (claims = {}, header = {}) => {
      const now = Math.floor(wallTimeMs() / 1000);
      return signed(
        { alg: 'RS256', typ: 'JWT', kid, ...header },
        { iss: issuer, sub: 'ada', aud: 'lab', iat: now, exp: now + 3600, ...claims },
        privateKey,
      );
    },
  };
};

/** A token that must be refused. */
export interface BadToken {
  readonly id: string;
  readonly source: string;
  readonly token: string;
  /** Envoy 1.40 believes it. */
  readonly isTakenByEnvoy?: boolean;
}

const parts = (token: string): [header: string, payload: string, signature: string] => token.split('.') as [string, string, string];

/** The last character's unused bits changed: the same bytes to a careless decoder. */
const twisted = (signature: string): string => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = alphabet.indexOf(signature.at(-1) ?? 'A');
  return signature.slice(0, -1) + alphabet[last ^ 1];
};

/** Everything that this issuer did not sign, or not so. */
export const badTokens = (own: TestIssuer, wallTimeMs: () => number): readonly BadToken[] => {
  const good = own.token();
  const [header, payload, signature] = parts(good);
  const now = Math.floor(wallTimeMs() / 1000);
  const stranger = testIssuer(own.issuer, wallTimeMs);
  const hmac = (input: string): string => createHmac('sha256', own.publicKeyPem).update(input).digest('base64url');
  const none = (alg: string): string => `${encode({ alg, typ: 'JWT' })}.${payload}.`;
  const confused = `${encode({ alg: 'HS256', typ: 'JWT', kid: 'one' })}.${payload}`;
  const ALG = 'RFC 8725 3.1: algorithms';
  const KID = 'RFC 8725 3.10: received claims, kid';
  const FORM = 'RFC 7515 3.1: three parts, base64url';
  return [
    ...['none', 'None', 'nOnE'].map((alg, index) => ({ id: `J-01${'abc'[index]}`, source: ALG, token: none(alg) })),
    { id: 'J-01d', source: ALG, token: `${header}.${payload}.` },
    { id: 'J-02', source: `${ALG}: the public key as a secret`, token: `${confused}.${hmac(confused)}` },
    { id: 'J-03a', source: KID, token: own.token({}, { kid: 'unknown' }) },
    { id: 'J-03b', source: KID, token: own.token({}, { kid: '../../etc/passwd' }) },
    { id: 'J-03c', source: KID, token: own.token({}, { kid: "' OR 1=1" }) },
    { id: 'J-03d', source: KID, token: own.token({}, { kid: '__proto__' }) },
    {
      id: 'J-04',
      source: 'RFC 8725 3.10: keys that a token brings',
      token: stranger.token({}, { jwk: JSON.parse(stranger.jwks).keys[0] }),
    },
    { id: 'J-07a', source: 'RFC 7515 4.1.11: crit', token: own.token({}, { crit: ['x'], x: 1 }), isTakenByEnvoy: true },
    { id: 'J-08a', source: 'RFC 4648 3.5: canonical base64', token: `${header}.${payload}.${twisted(signature)}`, isTakenByEnvoy: true },
    { id: 'J-08b', source: 'RFC 7515 2: no padding', token: `${header}.${payload}.${signature}==`, isTakenByEnvoy: true },
    { id: 'J-09a', source: FORM, token: 'garbage' },
    { id: 'J-09b', source: FORM, token: `${header}.${payload}` },
    { id: 'J-09c', source: FORM, token: `${good}.x.y` },
    {
      id: 'J-09d',
      source: 'CVE-2019-12995: invalid UTF-8 ended the process',
      token: `${Buffer.from([0xff, 0xfe]).toString('base64url')}.${payload}.${signature}`,
    },
    { id: 'J-12a', source: 'RFC 7519 4.1.4: exp, beyond the skew of 60 s', token: own.token({ exp: now - 120 }) },
    { id: 'J-12b', source: 'RFC 7519 4.1.5: nbf', token: own.token({ nbf: now + 600 }) },
    { id: 'J-14a', source: 'RFC 7519 4.1.1: iss', token: own.token({ iss: 'https://other.example' }) },
    { id: 'J-14b', source: 'RFC 7519 4.1.1: iss with a slash more', token: own.token({ iss: `${own.issuer}/` }) },
    { id: 'J-sig', source: 'RFC 7515 5.2: a signature by another key', token: stranger.token() },
    {
      id: 'J-pay',
      source: 'RFC 7515 5.2: claims changed after signing',
      token: `${header}.${encode({ ...JSON.parse(Buffer.from(payload, 'base64url').toString()), sub: 'root' })}.${signature}`,
    },
  ];
};
