/** x-forwarded-client-cert. Texts, their order and their quoting are what Envoy 1.40 sent for certificates that say the same. */
import { expect, test } from 'vitest';
import { HttpConnectionManager } from '#envoy';
import type { CertificateFacts, TlsFacts } from '#system/tls/tls-facts.ts';
import { seededRandom } from '../system/random.ts';
import { connectionManagerSettings } from './compile-connection-manager.ts';
import { applyForwarding } from './forwarding-headers.ts';
import { StreamRecord } from './stream-record.ts';

const certificate = (facts: Partial<CertificateFacts>): CertificateFacts => ({
  subject: '',
  issuer: 'O=root',
  uris: [],
  dnsNames: [],
  serial: '01',
  sha256: '79a38407eef6bcfc65d640dbd08bdc8bf746d6204d2d6c69b458ebf27f5e4840',
  notBeforeMs: 0,
  notAfterMs: 1,
  isAuthority: false,
  pem: '-----BEGIN CERTIFICATE-----\nMII+B/=\n-----END CERTIFICATE-----\n',
  ...facts,
});

const SERVER = certificate({ uris: ['spiffe://cluster.local/ns/default/sa/reviews', 'spiffe://cluster.local/ns/other/sa/x'] });
const CLIENT = certificate({ uris: ['spiffe://cluster.local/ns/default/sa/productpage'] });
const RICH = certificate({
  subject: String.raw`emailAddress=a@b,CN=back\\slash \C3\A9,OU=x\;y=z\+w,O=A \"quoted\"\, Inc,C=DE`,
  sha256: '120a0db5715aacf774fa35b6e9235c11455e21450d574fb4c2cc86120483824f',
  uris: ['spiffe://cluster.local/ns/default/sa/a', 'https://x.example/a;b,c=d'],
  dnsNames: ['one.example', 'two.example'],
});

const secured = (peer?: CertificateFacts, local = SERVER): TlsFacts => ({
  version: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  alpn: '',
  serverName: '',
  isResumed: false,
  local,
  ...(peer && { peer }),
});

const ISTIO = { subject: true, dns: true, uri: true };
const FORGED = ['x-forwarded-client-cert', 'By=forged;Hash=00'];

const sent = (mode: string, details: object, tls: TlsFacts | undefined, fields: readonly string[] = []): string[] => {
  const config = { stat_prefix: 'x', forward_client_cert_details: mode, set_current_client_cert_details: details };
  const { forwarding } = connectionManagerSettings(HttpConnectionManager.fromJSON(config));
  const at = { address: '10.0.0.9', port: 5000 };
  const draft = [...fields];
  applyForwarding(draft, new StreamRecord(1, { id: 1, local: at, remote: at, ...(tls && { tls }) }, 0, 0), forwarding, seededRandom(1));
  return draft.filter((_, index) => draft[index - 1] === 'x-forwarded-client-cert');
};

const BY = 'By=spiffe://cluster.local/ns/default/sa/reviews;By=spiffe://cluster.local/ns/other/sa/x';
const PLAIN_CLIENT = `${BY};Hash=${CLIENT.sha256};Subject="";URI=spiffe://cluster.local/ns/default/sa/productpage`;
const RICH_CLIENT =
  `${BY};Hash=${RICH.sha256};` +
  String.raw`Subject="emailAddress=a@b,CN=back\\slash \C3\A9,OU=x\;y=z\+w,O=A \"quoted\"\, Inc,C=DE";` +
  'URI=spiffe://cluster.local/ns/default/sa/a;URI=https://x.example/a;b,c=d;DNS=one.example;DNS=two.example';

test.each([
  ['SANITIZE', CLIENT, []],
  ['FORWARD_ONLY', CLIENT, ['By=forged;Hash=00']],
  ['APPEND_FORWARD', CLIENT, [`By=forged;Hash=00,${PLAIN_CLIENT}`]],
  ['SANITIZE_SET', CLIENT, [PLAIN_CLIENT]],
  ['SANITIZE_SET', RICH, [RICH_CLIENT]],
  ['ALWAYS_FORWARD_ONLY', CLIENT, ['By=forged;Hash=00']],
])('%s with a client that proved who it is', (mode, client, expected) => {
  expect(sent(mode, ISTIO, secured(client), FORGED)).toEqual(expected);
});

test.each(['SANITIZE', 'FORWARD_ONLY', 'APPEND_FORWARD', 'SANITIZE_SET'])('%s takes away what came without a certificate', (mode) => {
  expect([sent(mode, ISTIO, secured(), FORGED), sent(mode, ISTIO, undefined, FORGED)]).toEqual([[], []]);
});

test('ALWAYS_FORWARD_ONLY passes on what anybody says', () => {
  expect(sent('ALWAYS_FORWARD_ONLY', ISTIO, undefined, FORGED)).toEqual(['By=forged;Hash=00']);
});

test('several fields become one, this proxy last', () => {
  const fields = ['x-forwarded-client-cert', 'A', 'x-forwarded-client-cert', 'B'];
  expect(sent('APPEND_FORWARD', ISTIO, secured(CLIENT), fields)).toEqual([`A,B,${PLAIN_CLIENT}`]);
});

test('a certificate without names has an empty URI, and no By where this proxy has none', () => {
  expect(sent('SANITIZE_SET', ISTIO, secured(certificate({ subject: 'CN=nouri' }), certificate({})))).toEqual([
    `Hash=${CLIENT.sha256};Subject="CN=nouri";URI=`,
  ]);
});

test('certificates stand in percent code, in front of the names; By and Hash are always told', () => {
  const chain = { ...secured(CLIENT), peerChain: () => `${CLIENT.pem}${SERVER.pem}` };
  const pem = '-----BEGIN%20CERTIFICATE-----%0AMII%2BB%2F%3D%0A-----END%20CERTIFICATE-----%0A';
  expect(sent('SANITIZE_SET', { cert: true, chain: true, uri: true }, chain)).toEqual([
    `${BY};Hash=${CLIENT.sha256};Cert="${pem}";Chain="${pem}${pem}";URI=spiffe://cluster.local/ns/default/sa/productpage`,
  ]);
  expect(sent('SANITIZE_SET', {}, secured(CLIENT))).toEqual([`${BY};Hash=${CLIENT.sha256}`]);
});

test('the text is made once a connection', () => {
  let reads = 0;
  const chain = { ...secured(CLIENT), peerChain: () => `${reads++}` };
  const config = { stat_prefix: 'x', forward_client_cert_details: 'SANITIZE_SET', set_current_client_cert_details: { chain: true } };
  const { clientCert } = connectionManagerSettings(HttpConnectionManager.fromJSON(config)).forwarding;
  expect(clientCert.describe(chain)).toBe(clientCert.describe(chain));
  expect(reads).toBe(1);
});

test('x-forwarded-proto says what the connection was', () => {
  const draft: string[] = [];
  const { forwarding } = connectionManagerSettings(HttpConnectionManager.fromJSON({ stat_prefix: 'x' }));
  const at = { address: '10.0.0.9', port: 5000 };
  applyForwarding(draft, new StreamRecord(1, { id: 1, local: at, remote: at, tls: secured() }, 0, 0), forwarding, seededRandom(1));
  expect(draft).toContain('https');
});

test('names that no header field may hold are written in percent code', () => {
  const hostile = certificate({
    uris: ['spiffe://td/a\r\nx-admin: 1', 'spiffe://td/\u010a\ud800'],
    dnsNames: ['a\u0000b'],
    subject: 'CN=\n',
  });
  expect(sent('SANITIZE_SET', ISTIO, secured(hostile, certificate({})))).toEqual([
    `Hash=${CLIENT.sha256};Subject="CN=%0A";URI=spiffe://td/a%0D%0Ax-admin: 1;URI=spiffe://td/%C4%8A%EF%BF%BD;DNS=a%00b`,
  ]);
});
