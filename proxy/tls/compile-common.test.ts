import { expect, test } from 'vitest';
import { CommonTlsContext } from '#envoy';
import type { CertificateFacts } from '#system/tls/tls-facts.ts';
import { rootPem } from './authority.fixture.ts';
import { compileCommon, type TlsEnd } from './compile-common.ts';
import { SecretStore } from './secret-store.ts';

const ROOT = { inline_string: rootPem('root') };
const ADS = { ads: {}, resource_api_version: 'V3' };

const compile = (common: object, end: TlsEnd = 'server', store = new SecretStore()) =>
  compileCommon(CommonTlsContext.fromJSON(common), end, store);

const peer = (names: { readonly uris?: readonly string[]; readonly dnsNames?: readonly string[] }): CertificateFacts => ({
  subject: '',
  issuer: '',
  uris: [],
  dnsNames: [],
  serial: '01',
  sha256: 'ab'.repeat(32),
  notBeforeMs: 0,
  notAfterMs: 1,
  isAuthority: false,
  pem: '',
  ...names,
});

const judge = (validation: object) => {
  const { refuses } = compile({ validation_context: { trusted_ca: ROOT, ...validation } });
  return (names: Parameters<typeof peer>[0]): boolean => refuses?.(peer(names)) === undefined;
};

const san = (san_type: string, matcher: object) => ({ match_typed_subject_alt_names: [{ san_type, matcher }] });

test('names are compared as a whole, over names of the kind that was asked for', () => {
  const exact = judge(san('URI', { exact: 'spiffe://a/ns/n/sa/s' }));
  expect(exact({ uris: ['spiffe://a/ns/n/sa/s'] })).toBe(true);
  expect(exact({ uris: ['spiffe://a/ns/n/sa/s2'] })).toBe(false);
  expect(exact({ dnsNames: ['spiffe://a/ns/n/sa/s'] })).toBe(false);
  expect(exact({})).toBe(false);
  const prefix = judge(san('URI', { prefix: 'spiffe://a/' }));
  expect([prefix({ uris: ['spiffe://a/ns'] }), prefix({ uris: ['x-spiffe://a/ns'] })]).toEqual([true, false]);
  const regex = judge(san('URI', { safe_regex: { regex: 'spiffe://a/.*' } }));
  expect([regex({ uris: ['spiffe://a/b'] }), regex({ uris: ['see spiffe://a/b'] })]).toEqual([true, false]);
});

test('a wildcard in a certificate stands for one label', () => {
  const accepts = judge(san('DNS', { exact: 'www.a.example' }));
  const shown = ['www.a.example', 'WWW.A.example', '*.a.example', '*.example', '*.www.a.example', '*'];
  expect(shown.map((name) => accepts({ dnsNames: [name] }))).toEqual([true, true, true, false, false, false]);
});

test('a hash allows one certificate', () => {
  expect(judge({ verify_certificate_hash: [`${'AB:'.repeat(31)}AB`] })({})).toBe(true);
  expect(judge({ verify_certificate_hash: ['cd'.repeat(32)] })({})).toBe(false);
});

test('what a secret asks for is asked beside what the configuration asks for', () => {
  const store = new SecretStore();
  const { trust, refuses } = compile(
    {
      combined_validation_context: {
        default_validation_context: san('URI', { exact: 'spiffe://a' }),
        validation_context_sds_secret_config: { name: 'ROOTCA', sds_config: ADS },
      },
    },
    'client',
    store,
  );
  expect(trust?.current).toBeUndefined();
  expect(refuses?.(peer({ uris: ['spiffe://a'] }))).toBe('there is no trust to verify it by');
  store.putTrust({ name: 'ROOTCA', source: { kind: 'ads' } }, { trustedRoots: ROOT.inline_string, names: [], certificates: [] });
  expect(refuses?.(peer({ uris: ['spiffe://a'] }))).toBeUndefined();
  expect(refuses?.(peer({ uris: ['spiffe://b'] }))).toContain('SAN matcher');
});

test('versions, ciphers and protocols; a client speaks TLS 1.2 only unless it is told more', () => {
  expect(compile({}).parameters).toEqual({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3', cipherSuites: [], alpn: [] });
  expect(compile({}, 'client').parameters.maxVersion).toBe('TLSv1.2');
  const tls_params = {
    tls_maximum_protocol_version: 'TLSv1_3',
    cipher_suites: ['[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]', 'X-1'],
  };
  expect(compile({ tls_params, alpn_protocols: ['h2', 'http/1.1'] }, 'client').parameters).toEqual({
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    cipherSuites: ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305', 'X-1'],
    alpn: ['h2', 'http/1.1'],
  });
});

test.each([
  [{ tls_params: { tls_minimum_protocol_version: 'TLSv1_0' } }, 'tls_params.tls_minimum_protocol_version: TLSv1.0'],
  [{ tls_params: { cipher_suites: ['!ALL:aNULL'] } }, 'tls_params.cipher_suites[0]'],
  [{ tls_params: { ecdh_curves: ['X25519'] } }, 'tls_params.ecdh_curves'],
  [{ validation_context: { trusted_ca: ROOT, crl: ROOT } }, 'validation_context.crl'],
  [{ validation_context: { trusted_ca: ROOT, allow_expired_certificate: true } }, 'validation_context.allow_expired_certificate'],
  [
    { validation_context: { trusted_ca: ROOT, ...san('EMAIL', { exact: 'a' }) } },
    'validation_context.match_typed_subject_alt_names[0].san_type',
  ],
  [{ validation_context: { trusted_ca: ROOT, ...san('URI', { contains: 'a' }) } }, 'match_typed_subject_alt_names[0].matcher.contains'],
  [{ validation_context: san('URI', { exact: 'a' }) }, 'validation_context.trusted_ca'],
  [
    { tls_certificates: [{ certificate_chain: ROOT, private_key: { inline_string: 'hunter2' } }] },
    'tls_certificates[0].private_key.inline_string: is no PEM',
  ],
  [{ tls_certificates: [{ certificate_chain: { filename: '/a' }, private_key: ROOT }] }, 'tls_certificates[0]'],
  [{ tls_certificate_sds_secret_configs: [{ name: '', sds_config: ADS }] }, 'tls_certificate_sds_secret_configs[0].name'],
  [{ key_log: { path: '/tmp/x' } }, 'key_log'],
])('what is not supported is refused with its place, and without its text: case %#', (common, place) => {
  expect(() => compile(common)).toThrow(place);
  expect(() => compile(common)).not.toThrow('hunter2');
});
