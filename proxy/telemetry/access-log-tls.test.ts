/** Operators about TLS. Names and forms were asked of Envoy 1.40 with certificates that say the same. */
import { expect, test } from 'vitest';
import type { CertificateFacts, TlsFacts } from '#system/tls/tls-facts.ts';
import type { FinishedStream } from '../http/connection-manager.ts';
import { StreamRecord } from '../http/stream-record.ts';
import { jsonLine, textLine } from './access-log-format.ts';

const certificate = (facts: Partial<CertificateFacts>): CertificateFacts => ({
  subject: '',
  issuer: 'O=root',
  uris: [],
  dnsNames: [],
  serial: '52a1',
  sha256: '120a',
  notBeforeMs: Date.UTC(2026, 10, 24, 15, 25, 16),
  notAfterMs: Date.UTC(2026, 11, 4, 15, 25, 16),
  isAuthority: false,
  pem: '-----BEGIN CERTIFICATE-----\nMII+B/=\n-----END CERTIFICATE-----\n',
  ...facts,
});

const tls = (peer: CertificateFacts, local: CertificateFacts, serverName: string): TlsFacts => ({
  version: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  alpn: 'istio',
  serverName,
  isResumed: false,
  peer,
  local,
});

const CLIENT = certificate({ uris: ['spiffe://td/ns/a/sa/a', 'https://x'], dnsNames: ['one.example', 'two.example'], subject: 'CN=x' });
const OWN = certificate({ uris: ['spiffe://td/ns/a/sa/b'], subject: 'CN=own' });
const HOST = certificate({ uris: ['spiffe://td/ns/a/sa/c'] });
const AT = { address: '10.0.0.1', port: 80 };

const finished = (change: (stream: StreamRecord) => void = () => {}): FinishedStream => {
  const stream = new StreamRecord(1, { id: 7, local: AT, remote: AT, serverName: 'sni', tls: tls(CLIENT, OWN, 'sni') }, 0, 0);
  stream.attempts.push({ cluster: 'c', host: '10.0.0.2:80', startedAtMs: 0, status: 200, tls: tls(HOST, OWN, 'outbound_.80_._.c') });
  change(stream);
  return { request: undefined, response: undefined, stream, end: { status: 200, bytesReceived: 0, bytesSent: 0, durationMs: 0 } };
};

const plain = (): FinishedStream => {
  const stream = new StreamRecord(1, { id: 7, local: AT, remote: AT }, 0, 0);
  return { ...finished(), stream };
};

test.each([
  ['DOWNSTREAM_PEER_URI_SAN', 'spiffe://td/ns/a/sa/a,https://x'],
  ['DOWNSTREAM_PEER_DNS_SAN', 'one.example,two.example'],
  ['DOWNSTREAM_PEER_SUBJECT', 'CN=x'],
  ['DOWNSTREAM_PEER_ISSUER', 'O=root'],
  ['DOWNSTREAM_PEER_SERIAL', '52a1'],
  ['DOWNSTREAM_PEER_FINGERPRINT_256', '120a'],
  ['DOWNSTREAM_PEER_CERT', '-----BEGIN%20CERTIFICATE-----%0AMII%2BB%2F%3D%0A-----END%20CERTIFICATE-----%0A'],
  ['DOWNSTREAM_PEER_CERT_V_START', '2026-11-24T15:25:16.000Z'],
  ['DOWNSTREAM_PEER_CERT_V_END(%Y/%m/%dT%H:%M:%S %s)', '2026/12/04T15:25:16 1796397916'],
  ['DOWNSTREAM_LOCAL_URI_SAN', 'spiffe://td/ns/a/sa/b'],
  ['DOWNSTREAM_LOCAL_SUBJECT', 'CN=own'],
  ['DOWNSTREAM_TLS_VERSION', 'TLSv1.3'],
  ['DOWNSTREAM_TLS_CIPHER', 'TLS_AES_256_GCM_SHA384'],
  ['REQUESTED_SERVER_NAME', 'sni'],
  ['UPSTREAM_PEER_URI_SAN', 'spiffe://td/ns/a/sa/c'],
  ['UPSTREAM_LOCAL_URI_SAN', 'spiffe://td/ns/a/sa/b'],
  ['UPSTREAM_PEER_ISSUER', 'O=root'],
  ['UPSTREAM_PEER_CERT_V_END', '2026-12-04T15:25:16.000Z'],
  ['UPSTREAM_TLS_VERSION', 'TLSv1.3'],
  ['UPSTREAM_SERVER_NAME', 'outbound_.80_._.c'],
])('%s', (operator, told) => {
  expect(textLine(`%${operator}%`)(finished())).toBe(told);
  expect(jsonLine({ v: `%${operator}%` })(plain())).toBe('{"v":null}');
});

test('empty subjects and names are missing, not empty', () => {
  expect(jsonLine({ v: '%UPSTREAM_PEER_SUBJECT%' })(finished())).toBe('{"v":null}');
});

test('why a handshake failed is one word', () => {
  const failed = finished((stream) => {
    stream.downstream = { id: 1, local: AT, remote: AT, transportFailure: 'TLS_error:|1:SSL routines:X:TLS_error_end' };
  });
  expect(textLine('%DOWNSTREAM_TRANSPORT_FAILURE_REASON%')(failed)).toBe('TLS_error:|1:SSL_routines:X:TLS_error_end');
});

test('what filters found out is told whole or by its path', () => {
  const judged = finished((stream) => {
    stream.metadata = { 'dinghy.authz': { policy: 'none', peer: { port: 80 } } };
  });
  const format = {
    a: '%DYNAMIC_METADATA(dinghy.authz)%',
    b: '%DYNAMIC_METADATA(dinghy.authz:peer:port)%',
    c: '%METADATA(DYNAMIC:dinghy.authz:policy)%',
    d: '%DYNAMIC_METADATA(dinghy.authz:nope:port)%',
    e: '%DYNAMIC_METADATA(other)%',
  };
  expect(JSON.parse(jsonLine(format)(judged))).toEqual({ a: { policy: 'none', peer: { port: 80 } }, b: 80, c: 'none', d: null, e: null });
});

test.each(['UPSTREAM_LOCAL_SUBJECT', 'DYNAMIC_METADATA', 'DYNAMIC_METADATA()', 'METADATA(CLUSTER:a)', 'UPSTREAM_PEER_SERIAL'])(
  '%s is refused',
  (operator) => {
    expect(() => textLine(`%${operator}%`)).toThrow('not supported');
  },
);
