/**
 * Requests with tokens that should not pass, and some beside them that should: made from the classes of attacks that are known, one row each, with its
 * source. Keys are made anew at every run.
 */
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { JWT_FAILURES, type JwtFailure } from './failures.ts';

const base64url = (value: string | Uint8Array): string => Buffer.from(value).toString('base64url');

export const ISSUER = 'https://issuer.example';
export const OTHER_ISSUER = 'https://other.example';
/** Seconds since the Unix epoch, in the middle of all tokens' times. */
export const NOW = Math.floor(Date.now() / 1000);

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const secondRsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const foreignRsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const edwards = generateKeyPairSync('ed25519');
const SECRET = base64url('a secret of thirty-two bytes, now');

const jwk = (key: KeyObject, kid: string, more: object = {}) => ({ ...key.export({ format: 'jwk' }), kid, ...more });
export const KEY_SET = JSON.stringify({
  keys: [jwk(rsa.publicKey, 'r1', { alg: 'RS256' }), jwk(secondRsa.publicKey, 'r2'), jwk(ec.publicKey, 'e1'), jwk(edwards.publicKey, 'd1')],
});
export const SECRET_KEY_SET = JSON.stringify({ keys: [{ kty: 'oct', kid: 'h1', k: SECRET }] });

type Claims = Readonly<Record<string, unknown>>;

const GOOD: Claims = { iss: ISSUER, sub: 'ann', aud: 'lab', exp: NOW + 3600, role: 'user', n: 7, ok: true, nested: { a: 'b' } };
const PUBLIC_PEM = rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string;

const parts = (header: unknown, payload: unknown): string =>
  [header, payload].map((part) => base64url(typeof part === 'string' ? part : JSON.stringify(part))).join('.');
const signRsa = (data: string, key: KeyObject = rsa.privateKey): string => base64url(sign('sha256', Buffer.from(data), key));
const signed = (data: string, key?: KeyObject): string => `${data}.${signRsa(data, key)}`;
const signEc = (data: string, dsaEncoding: 'ieee-p1363' | 'der' = 'ieee-p1363'): Buffer =>
  sign('sha256', Buffer.from(data), { key: ec.privateKey, dsaEncoding });
const hmac = (data: string, key: string | Buffer): string => `${data}.${createHmac('sha256', key).update(data).digest('base64url')}`;

const HEADER = { alg: 'RS256', kid: 'r1' };
const claiming = (claims: Claims, header: object = HEADER, key?: KeyObject): string => signed(parts(header, { ...GOOD, ...claims }), key);
const without = (name: string): string =>
  signed(parts(HEADER, Object.fromEntries(Object.entries(GOOD).filter(([claim]) => claim !== name))));
/** A payload in exactly these words. */
const saying = (payload: string): string => signed(parts(HEADER, payload));

/** Good, for RS256. */
export const GOOD_TOKEN = claiming({});
const [goodHeader = '', goodPayload = '', goodSignature = ''] = GOOD_TOKEN.split('.');
const ES = parts({ alg: 'ES256', kid: 'e1' }, GOOD);

/** The last letter changed in bits that no byte uses: 256 bytes leave four of them. */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const otherSpelling = goodSignature.slice(0, -1) + ALPHABET[ALPHABET.indexOf(goodSignature.at(-1) ?? '') ^ 1];

const unsigned = (alg: string): string => `${parts({ alg }, GOOD)}.`;
const nestedArrays = (depth: number): string => `{"iss":"${ISSUER}","a":${'['.repeat(depth)}${']'.repeat(depth)}}`;
const foreignJwk = jwk(foreignRsa.publicKey, 'r1');

/** What becomes of a request: it passes, or why it does not. */
export type Wanted = 'passes' | JwtFailure;

export interface TokenRow {
  readonly id: string;
  readonly source: string;
  readonly what: string;
  readonly wanted: Wanted;
  /** `/one`: one provider; `/optional`: or none; `/two`: as Istio asks of two issuers; `/secret`: a provider with a shared secret. */
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
}

type Row = readonly [what: string, token: string, wanted: Wanted];

const rows = (id: string, source: string, list: readonly Row[]): TokenRow[] =>
  list.map(([what, token, wanted]) => ({ id, source, what, wanted, path: '/one', headers: [['authorization', `Bearer ${token}`]] }));

type Spelled = readonly [what: string, path: string, headers: readonly (readonly [string, string])[], wanted: Wanted];

const spelled = (id: string, source: string, list: readonly Spelled[]): TokenRow[] =>
  list.map(([what, path, headers, wanted]) => ({ id, source, what, path, headers, wanted }));

const bearer = (token: string): readonly [string, string] => ['authorization', `Bearer ${token}`];
const FOREIGN = claiming({}, HEADER, foreignRsa.privateKey);

const ALGORITHMS = [
  ...rows('J-00', 'baseline', [
    ['RS256', GOOD_TOKEN, 'passes'],
    ['RS256 of the second key', claiming({}, { alg: 'RS256', kid: 'r2' }, secondRsa.privateKey), 'passes'],
    ['ES256', `${ES}.${base64url(signEc(ES))}`, 'passes'],
    [
      'EdDSA',
      ((data) => `${data}.${base64url(sign(null, Buffer.from(data), edwards.privateKey))}`)(parts({ alg: 'EdDSA', kid: 'd1' }, GOOD)),
      'passes',
    ],
    ['signed by a stranger', FOREIGN, 'signature'],
    [
      'payload changed after signing',
      `${goodHeader}.${base64url(JSON.stringify({ ...GOOD, role: 'admin' }))}.${goodSignature}`,
      'signature',
    ],
  ]),
  ...rows('J-01', 'CVE-2015-9235, RFC 8725 3.1', [
    ...['none', 'None', 'nOnE', 'NONE'].map((alg): Row => [`alg ${alg}, no signature`, unsigned(alg), 'format']),
    ['alg none with a signature', `${parts({ alg: 'none' }, GOOD)}.AAAA`, 'algorithm'],
    ['alg absent', `${parts({ kid: 'r1' }, GOOD)}.AAAA`, 'algorithmMissing'],
    ['alg a number', `${parts({ alg: 1 }, GOOD)}.AAAA`, 'algorithmMissing'],
    ['alg a list', `${parts({ alg: ['RS256'] }, GOOD)}.AAAA`, 'algorithmMissing'],
    ['alg in lower case', signed(parts({ alg: 'rs256', kid: 'r1' }, GOOD)), 'algorithm'],
    ['alg HS1', `${parts({ alg: 'HS1' }, GOOD)}.AAAA`, 'algorithm'],
    ['alg ES256K', `${parts({ alg: 'ES256K' }, GOOD)}.AAAA`, 'algorithm'],
  ]),
  ...rows('J-02', 'CVE-2016-5431, RFC 8725 2.1', [
    ['HS256 with the public key as PEM', hmac(parts({ alg: 'HS256', kid: 'r1' }, GOOD), PUBLIC_PEM), 'noKey'],
    [
      'HS256 with the public key as DER',
      hmac(parts({ alg: 'HS256' }, GOOD), rsa.publicKey.export({ type: 'spki', format: 'der' })),
      'signature',
    ],
    ['HS256 with an empty key', hmac(parts({ alg: 'HS256', kid: 'e1' }, GOOD), ''), 'signature'],
  ]),
  ...rows('J-03', 'RFC 8725 3.10', [
    ['kid unknown', claiming({}, { alg: 'RS256', kid: 'x' }), 'noKey'],
    ['no kid, several keys', claiming({}, { alg: 'RS256' }), 'passes'],
    ...['../../../dev/null', "' OR 1=1 --", '__proto__', 'constructor', ''.padEnd(5000, 'k')].map(
      (kid): Row => [`kid ${kid.slice(0, 20)}`, claiming({}, { alg: 'RS256', kid }), 'noKey'],
    ),
    ['kid a number', claiming({}, { alg: 'RS256', kid: 1 }), 'keyId'],
    ['kid null', claiming({}, { alg: 'RS256', kid: null }), 'keyId'],
    ['kid of another key', claiming({}, { alg: 'RS256', kid: 'r2' }), 'signature'],
  ]),
  ...rows('J-04', 'CVE-2018-0114', [
    ['jwk of a stranger', claiming({}, { ...HEADER, jwk: foreignJwk }, foreignRsa.privateKey), 'signature'],
    ['jku', claiming({}, { ...HEADER, jku: 'http://127.0.0.1:1/keys' }, foreignRsa.privateKey), 'signature'],
    ['x5u and x5c', claiming({}, { ...HEADER, x5u: 'http://127.0.0.1:1/c', x5c: ['AAAA'] }, foreignRsa.privateKey), 'signature'],
    ['jwk beside a good signature', claiming({}, { ...HEADER, jwk: foreignJwk }), 'passes'],
  ]),
  ...rows('J-05', 'CVE-2022-21449', [
    ['r = s = 0', `${ES}.${base64url(Buffer.alloc(64))}`, 'signature'],
    [
      'r = s = order',
      `${ES}.${base64url(Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'.repeat(2), 'hex'))}`,
      'signature',
    ],
    ['DER in place of the raw form', `${ES}.${base64url(signEc(ES, 'der'))}`, 'signature'],
    ['one byte too many', `${ES}.${base64url(Buffer.concat([signEc(ES), Buffer.alloc(1)]))}`, 'signature'],
    [
      'zeros in front of both halves',
      `${ES}.${base64url(Buffer.concat([Buffer.alloc(1), signEc(ES).subarray(0, 32), Buffer.alloc(1), signEc(ES).subarray(32)]))}`,
      'signature',
    ],
    ['empty halves', `${ES}.AA`, 'signature'],
    ['EdDSA, 63 bytes', `${parts({ alg: 'EdDSA', kid: 'd1' }, GOOD)}.${base64url(Buffer.alloc(63))}`, 'ed25519Length'],
    ['RSA, 255 zero bytes', `${goodHeader}.${goodPayload}.${base64url(Buffer.alloc(255))}`, 'signature'],
  ]),
  ...rows('J-06', 'RFC 8725 3.1', [
    ['RS256 against the EC key of that kid', claiming({}, { alg: 'RS256', kid: 'e1' }), 'signature'],
    [
      'ES256 against the RSA key of that kid',
      ((data) => `${data}.${base64url(signEc(data))}`)(parts({ alg: 'ES256', kid: 'r1' }, GOOD)),
      'noKey',
    ],
    ['RS512 against a key for RS256', claiming({}, { alg: 'RS512', kid: 'r1' }), 'noKey'],
  ]),
  ...rows('J-07', 'RFC 7515 4.1.11, RFC 7797', [
    ['crit', claiming({}, { ...HEADER, crit: ['x'], x: 1 }), 'critical'],
    ['crit empty', claiming({}, { ...HEADER, crit: [] }), 'critical'],
    ['b64 false', claiming({}, { ...HEADER, b64: false, crit: ['b64'] }), 'critical'],
    ['b64 false without crit', claiming({}, { ...HEADER, b64: false }), 'critical'],
  ]),
];

const FORMS = [
  ...rows('J-08', 'RFC 7515 2, RFC 4648 3.5', [
    ['unused bits of the signature set', `${goodHeader}.${goodPayload}.${otherSpelling}`, 'signatureBase64'],
    ['padding', `${goodHeader}.${goodPayload}.${goodSignature}==`, 'signatureBase64'],
    ['the alphabet of base64', `${goodHeader}.${goodPayload}.${`+/${goodSignature.slice(2)}`}`, 'signatureBase64'],
    ['a space in the signature', `${goodHeader}.${goodPayload}.${goodSignature.slice(0, 8)} ${goodSignature.slice(8)}`, 'signatureBase64'],
    ['a space at the end of the header', `${goodHeader} .${goodPayload}.${goodSignature}`, 'headerBase64'],
    ['length of no base64', `${goodHeader}.${goodPayload}.AAAAA`, 'signatureBase64'],
  ]),
  ...rows('J-09', 'CVE-2019-12995', [
    ['no dot', 'abc', 'format'],
    ['one dot', 'a.b', 'format'],
    ['three dots', `${GOOD_TOKEN}.x`, 'format'],
    ['four dots', `${GOOD_TOKEN}.x.y`, 'format'],
    ['dots alone', '..', 'format'],
    ['empty header', `.${goodPayload}.${goodSignature}`, 'format'],
    ['header no JSON', `${base64url('{')}.${goodPayload}.${goodSignature}`, 'headerJson'],
    ['header a list', signed(parts('[]', GOOD)), 'headerJson'],
    ['header a string', signed(parts('"RS256"', GOOD)), 'headerJson'],
    ['header not UTF-8', `${base64url(Buffer.from([0x7b, 0xff, 0x7d]))}.${goodPayload}.${goodSignature}`, 'headerJson'],
    ['payload a number', saying('1'), 'payloadJson'],
    ['payload null', saying('null'), 'payloadJson'],
    ['payload empty', saying(''), 'format'],
    ['payload with more behind it', saying(`${JSON.stringify(GOOD)}{}`), 'payloadJson'],
    ['payload with a comma too many', saying(`{"iss":"${ISSUER}",}`), 'payloadJson'],
    ['payload with a comment', saying(`{"iss":"${ISSUER}"/**/}`), 'payloadJson'],
    ['payload with a byte order mark', saying(`\ufeff${JSON.stringify(GOOD)}`), 'payloadJson'],
    ['half a character', saying(`{"iss":"${ISSUER}","sub":"\\ud800"}`), 'payloadJson'],
  ]),
  ...rows('J-12', 'RFC 7519 4.1.4, 4.1.5', [
    ['exp 30 s ago', claiming({ exp: NOW - 30 }), 'passes'],
    ['exp 90 s ago', claiming({ exp: NOW - 90 }), 'expired'],
    ['exp 0', claiming({ exp: 0 }), 'expired'],
    ['exp as text', claiming({ exp: String(NOW + 60) }), 'expiryType'],
    ['exp -1', claiming({ exp: -1 }), 'expiryRange'],
    ['exp 2^64', saying(`{"iss":"${ISSUER}","aud":"lab","exp":18446744073709551616}`), 'expiryRange'],
    ['exp 1e400', saying(`{"iss":"${ISSUER}","aud":"lab","exp":1e400}`), 'payloadJson'],
    ['exp null', claiming({ exp: null }), 'expiryType'],
    ['no exp', without('exp'), 'passes'],
    ['nbf in 30 s', claiming({ nbf: NOW + 30 }), 'passes'],
    ['nbf in 5 min', claiming({ nbf: NOW + 300 }), 'early'],
    ['nbf as text', claiming({ nbf: 'x' }), 'notBeforeType'],
    ['nbf -1', claiming({ nbf: -1 }), 'notBeforeRange'],
    ['iat as text', claiming({ iat: 'x' }), 'issuedAtType'],
    ['iat -1', claiming({ iat: -1 }), 'issuedAtRange'],
  ]),
  ...rows('J-13', 'RFC 7519 4.1.3', [
    ['aud wrong', claiming({ aud: 'other' }), 'audience'],
    ['aud list with it', claiming({ aud: ['x', 'lab'] }), 'passes'],
    ['aud list without it', claiming({ aud: ['x', 'y'] }), 'audience'],
    ['aud list with a number', claiming({ aud: ['lab', 1] }), 'audienceType'],
    ['aud an object', claiming({ aud: { lab: true } }), 'audienceType'],
    ['aud missing', without('aud'), 'audience'],
    ['aud as a part', claiming({ aud: 'lab2' }), 'audience'],
  ]),
  ...rows('J-14', 'RFC 7519 4.1.1', [
    ['iss wrong', claiming({ iss: 'https://evil.example' }), 'issuer'],
    ['iss missing', without('iss'), 'issuer'],
    ['iss a list', claiming({ iss: [ISSUER] }), 'issuerType'],
    ['iss with a slash at the end', claiming({ iss: `${ISSUER}/` }), 'issuer'],
    ['iss in upper case', claiming({ iss: ISSUER.toUpperCase() }), 'issuer'],
    ['sub a number', claiming({ sub: 1 }), 'subjectType'],
    ['jti a number', claiming({ jti: 1 }), 'idType'],
  ]),
];

const PLACES = [
  ...spelled('J-15', 'RFC 9110 5.3', [
    ['two lines, bad one last', '/one', [bearer(GOOD_TOKEN), bearer(FOREIGN)], 'format'],
    ['two lines, bad one first', '/one', [bearer(FOREIGN), bearer(GOOD_TOKEN)], 'format'],
    ['two lines, bad one last, no token needed', '/optional', [bearer(GOOD_TOKEN), bearer(FOREIGN)], 'format'],
    ['two lines, bad one first, no token needed', '/optional', [bearer(FOREIGN), bearer(GOOD_TOKEN)], 'format'],
    ['two good lines', '/one', [bearer(GOOD_TOKEN), bearer(claiming({ sub: 'bob' }))], 'format'],
  ]),
  ...spelled('J-16', 'RFC 6750 2', [
    ['in the query alone', `/one?a=b&access_token=${GOOD_TOKEN}`, [], 'passes'],
    ['good line, bad query', `/one?access_token=${FOREIGN}`, [bearer(GOOD_TOKEN)], 'signature'],
    ['bad line, good query', `/one?access_token=${GOOD_TOKEN}`, [bearer(FOREIGN)], 'signature'],
    ['good line, bad query, no token needed', `/optional?access_token=${FOREIGN}`, [bearer(GOOD_TOKEN)], 'signature'],
    ['empty in the query', '/one?access_token=', [], 'format'],
    ['in the query in two spellings', `/one?access_token=${GOOD_TOKEN}&access%5Ftoken=${FOREIGN}`, [], 'signature'],
  ]),
  ...spelled('J-17', 'RFC 9110 11.4', [
    ['bearer', '/one', [['authorization', `bearer ${GOOD_TOKEN}`]], 'missing'],
    ['BEARER', '/one', [['authorization', `BEARER ${GOOD_TOKEN}`]], 'missing'],
    ['two spaces', '/one', [['authorization', `Bearer  ${GOOD_TOKEN}`]], 'passes'],
    ['a tab', '/one', [['authorization', `Bearer\t${GOOD_TOKEN}`]], 'missing'],
    ['a list with a comma', '/one', [['authorization', `Bearer ${GOOD_TOKEN}, Bearer ${FOREIGN}`]], 'format'],
    ['something behind it', '/one', [['authorization', `Bearer ${GOOD_TOKEN}, x`]], 'signatureBase64'],
    ['Bearer alone', '/one', [['authorization', 'Bearer']], 'missing'],
    ['Basic', '/one', [['authorization', 'Basic YTpi']], 'missing'],
    ['nothing', '/one', [], 'missing'],
    ['nothing, and nothing needed', '/optional', [], 'passes'],
  ]),
  ...rows('J-18', 'CVE-2026-48042', [
    ['40,000 nested lists', saying(nestedArrays(20_000)), 'payloadJson'],
    ['101 nested lists', saying(nestedArrays(101)), 'payloadJson'],
    ['3,000 claims', saying(`{"iss":"${ISSUER}","aud":"lab",${Array.from({ length: 3000 }, (_, i) => `"c${i}":1`).join()}}`), 'passes'],
    ['a claim of 30,000 characters', claiming({ long: 'x'.repeat(30_000) }), 'passes'],
  ]),
  ...rows('J-19', 'CWE-1321, RFC 8259 4', [
    ['a claim twice', saying(`{"iss":"${ISSUER}","aud":"lab","role":"user","role":"admin"}`), 'payloadJson'],
    ['iss twice', saying(`{"iss":"https://evil.example","aud":"lab","iss":"${ISSUER}"}`), 'payloadJson'],
    ['alg twice', signed(parts('{"alg":"none","alg":"RS256","kid":"r1"}', GOOD)), 'headerJson'],
    ['__proto__', saying(`{"iss":"${ISSUER}","aud":"lab","__proto__":{"role":"admin"},"constructor":{"prototype":1}}`), 'passes'],
    ['iss behind __proto__', saying(`{"aud":"lab","__proto__":{"iss":"${ISSUER}"}}`), 'issuer'],
  ]),
  ...spelled('J-20', 'ISTIO-SECURITY-2021-001 (CVE-2021-21378)', [
    ['issuer that nobody listed, no token needed', '/optional', [bearer(claiming({ iss: 'https://evil.example' }))], 'issuer'],
    ['garbage, no token needed', '/optional', [bearer('garbage')], 'format'],
    ['expired, no token needed', '/optional', [bearer(claiming({ exp: NOW - 900 }))], 'expired'],
    ['of the first of two', '/two', [bearer(GOOD_TOKEN)], 'passes'],
    ['of neither of two', '/two', [bearer(claiming({ iss: 'https://evil.example' }))], 'issuer'],
    ['of the first of two, expired', '/two', [bearer(claiming({ exp: NOW - 900 }))], 'expired'],
    ['of the second of two, wrongly signed', '/two', [bearer(claiming({ iss: OTHER_ISSUER }))], 'noKey'],
    [
      'of the second of two',
      '/two',
      [bearer(hmac(parts({ alg: 'HS256' }, { iss: OTHER_ISSUER }), Buffer.from(SECRET, 'base64url')))],
      'passes',
    ],
    ['none, for two', '/two', [], 'passes'],
  ]),
  ...spelled('M-11', 'CVE-2023-27493, RFC 9110 5.5', [
    ['line break in a claim that becomes a header', '/one', [bearer(claiming({ role: 'a\r\nx-role: admin' }))], 'unsafeClaim'],
    ['NUL in a claim that becomes a header', '/one', [bearer(claiming({ role: 'a\0b' }))], 'unsafeClaim'],
    ['line break in a claim that stays inside', '/one', [bearer(claiming({ other: 'a\r\nb' }))], 'passes'],
    ['header of the client under the name of a claim', '/one', [bearer(GOOD_TOKEN), ['x-role', 'admin']], 'passes'],
  ]),
];

/** Every row. */
export const TOKEN_ROWS: readonly TokenRow[] = [...ALGORITHMS, ...FORMS, ...PLACES];

/** The text that the client is told. */
export const textOf = (wanted: Wanted): string => (wanted === 'passes' ? '' : JWT_FAILURES[wanted]);

const provider = {
  issuer: ISSUER,
  audiences: ['lab'],
  localJwks: { inlineString: KEY_SET },
  payloadInMetadata: 'payload',
  forwardPayloadHeader: 'x-payload',
  claimToHeaders: [
    { headerName: 'x-role', claimName: 'role' },
    { headerName: 'x-n', claimName: 'n' },
    { headerName: 'x-nested', claimName: 'nested.a' },
  ],
  normalizePayloadInMetadata: { spaceDelimitedClaims: ['scope'] },
};
const other = { issuer: OTHER_ISSUER, localJwks: { inlineString: SECRET_KEY_SET }, payloadInMetadata: 'payload' };
const orNone = (providerName: string) => ({ requiresAny: { requirements: [{ providerName }, { allowMissing: {} }] } });

/** The filter that the rows are for, as JSON of its message. */
export const FILTER_CONFIG = {
  providers: { one: provider, other },
  rules: [
    { match: { prefix: '/one' }, requires: { providerName: 'one' } },
    { match: { prefix: '/optional' }, requires: orNone('one') },
    {
      match: { prefix: '/two' },
      requires: {
        requiresAny: {
          requirements: [
            { providerName: 'one' },
            { providerName: 'other' },
            { requiresAll: { requirements: [orNone('one'), orNone('other')] } },
          ],
        },
      },
    },
  ],
  bypassCorsPreflight: true,
};
