/** The service as foreign clients meet it: openssl makes requests and reads certificates, grpc-js calls. */
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { status } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { folder, openssl, REVIEWS, REVIEWS_URI, request, service } from './ca.fixture.ts';

const PRODUCTPAGE = { ...REVIEWS, serviceAccount: 'productpage' };

/** A chain as files that openssl reads. */
const asFiles = (chain: readonly string[], roots: string): string => {
  const directory = folder();
  writeFileSync(join(directory, 'leaf.pem'), chain[0] ?? '');
  writeFileSync(join(directory, 'middle.pem'), chain.slice(1, -1).join(''));
  writeFileSync(join(directory, 'roots.pem'), roots);
  return directory;
};

const lifeSeconds = (leaf: string | undefined): number => {
  const certificate = new X509Certificate(leaf ?? '');
  return Math.round((certificate.validToDate.getTime() - Date.now()) / 1_000);
};

describe('a workload with its token', () => {
  test('gets a certificate that openssl finds good, and that says only what it should', async () => {
    const { call, tokenFor, authority } = await service();
    const { csr } = request([`subjectAltName=URI:${REVIEWS_URI}`]);
    const chain = await call({ csr, token: tokenFor() });
    expect(chain).toHaveLength(3);
    const directory = asFiles(chain, authority.roots);
    for (const purpose of ['sslserver', 'sslclient'])
      expect(openssl(directory, 'verify', '-purpose', purpose, '-CAfile', 'roots.pem', '-untrusted', 'middle.pem', 'leaf.pem')).toContain(
        'OK',
      );
    const text = openssl(directory, 'x509', '-in', 'leaf.pem', '-noout', '-text');
    expect(text).toMatch(/Subject: *\n/);
    expect(text).toMatch(/Key Usage: critical\s+Digital Signature, Key Encipherment/);
    expect(text).toMatch(/Extended Key Usage: *\s+TLS Web Server Authentication, TLS Web Client Authentication/);
    expect(text).toMatch(/Basic Constraints: critical\s+CA:FALSE/);
    expect(text).toMatch(/Subject Alternative Name: critical\s+URI:spiffe:\/\/cluster.local\/ns\/default\/sa\/reviews\n/);
    expect(new X509Certificate(chain[0] ?? '').serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  test('a DNS name, CA:true and a subject that it asks for are passed over', async () => {
    const { call, tokenFor } = await service();
    const { csr } = request([
      `subjectAltName=URI:${REVIEWS_URI},DNS:*.example.com`,
      'basicConstraints=critical,CA:TRUE',
      'keyUsage=keyCertSign',
    ]);
    const [leaf = ''] = await call({ csr, token: tokenFor() });
    const certificate = new X509Certificate(leaf);
    expect({ names: certificate.subjectAltName, isAuthority: certificate.ca, subject: certificate.subject }).toEqual({
      names: `URI:${REVIEWS_URI}`,
      isAuthority: false,
      subject: undefined,
    });
  });

  test.each([
    [10 * 365 * 86_400, 86_400],
    [0, 86_400],
    [1, 60],
    [600, 600],
  ])('a wish for %i s becomes %i s', async (wish, given) => {
    const { call, tokenFor } = await service();
    const [leaf] = await call({ csr: request().csr, token: tokenFor(), lifeSeconds: wish });
    expect(Math.abs(lifeSeconds(leaf) - given)).toBeLessThan(20);
  });

  test('an RSA key of 2048 bits is certified', async () => {
    const { call, tokenFor } = await service();
    const [leaf = ''] = await call({ csr: request([], ['-newkey', 'rsa:2048']).csr, token: tokenFor() });
    expect(new X509Certificate(leaf).publicKey.asymmetricKeyType).toBe('rsa');
  });
});

describe('who is refused', () => {
  test('nobody: neither token nor certificate', async () => {
    const { call } = await service();
    await expect(call({ csr: request().csr })).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
  });

  test('a token that is wrong, used or expired', async () => {
    const { call, tokenFor, time } = await service();
    const { csr } = request();
    const used = tokenFor();
    await call({ csr, token: used });
    const late = tokenFor();
    for (const token of [used, 'x', `${'A'.repeat(43)}`])
      await expect(call({ csr, token })).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
    time.aheadMs = 600_001;
    await expect(call({ csr, token: late })).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
  });

  test('a request that names somebody else, whatever else it names, and it costs the token', async () => {
    const { call, tokenFor } = await service();
    const token = tokenFor(PRODUCTPAGE);
    const { csr } = request([`subjectAltName=URI:spiffe://cluster.local/ns/default/sa/productpage,URI:${REVIEWS_URI}`]);
    await expect(call({ csr, token })).rejects.toMatchObject({
      code: status.PERMISSION_DENIED,
      details: expect.stringContaining(REVIEWS_URI),
    });
    await expect(call({ csr: request().csr, token })).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
  });

  test.each([
    ['512 bits of RSA', () => request([], ['-newkey', 'rsa:512', '-pkeyopt', 'rsa_keygen_bits:512']).csr, /512 bits/],
    ['SHA-1', () => request([], ['-newkey', 'rsa:2048'], ['-sha1']).csr, /SHA-1/],
    ['MD5', () => request([], ['-newkey', 'rsa:2048'], ['-md5']).csr, /signed with|cannot be read/],
    ['an edwards key', () => request([], ['-newkey', 'ed25519']).csr, /certificate request/],
    [
      '10 kB',
      () => request([`subjectAltName=${Array.from({ length: 600 }, (_, index) => `DNS:a${index}.example.com`).join(',')}`]).csr,
      /characters/,
    ],
    ['no request', () => 'hello', /PEM/],
    ['broken DER', () => '-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n', /cannot be read/],
    [
      'deep nesting',
      () =>
        `-----BEGIN CERTIFICATE REQUEST-----\n${Buffer.alloc(5_000, Buffer.from([0x30, 0x80])).toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`,
      /cannot be read/,
    ],
    ['a signature of another key', () => tampered(request().csr), /its own key|cannot be read/],
  ])('a request with %s', async (_what, csr, why) => {
    const { call, tokenFor } = await service();
    await expect(call({ csr: csr(), token: tokenFor() })).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringMatching(why),
    });
  });

  test('a certificate of a foreign root that says the right name', async () => {
    const { call } = await service();
    const own = request();
    openssl(
      own.directory,
      'req',
      '-x509',
      '-key',
      'key.pem',
      '-subj',
      '/',
      '-addext',
      `subjectAltName=critical,URI:${REVIEWS_URI}`,
      '-out',
      'self.pem',
      '-days',
      '1',
    );
    const chain = openssl(own.directory, 'x509', '-in', 'self.pem');
    await expect(call({ csr: own.csr, certificate: { chain, privateKey: own.privateKey } })).rejects.toMatchObject({
      code: status.UNAUTHENTICATED,
    });
  });
});

/** The last byte of the signature changed. */
const tampered = (csr: string): string => {
  const der = Buffer.from(csr.replace(/-----[^-]+-----/g, ''), 'base64');
  der[der.length - 1] = (der.at(-1) ?? 0) ^ 1;
  return `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
};

describe('renewal', () => {
  const enrolled = async () => {
    const world = await service();
    const own = request();
    const chain = await world.call({ csr: own.csr, token: world.tokenFor(REVIEWS, 'reviews-v1'), lifeSeconds: 60 });
    return { ...world, certificate: { chain: chain.slice(0, -1).join(''), privateKey: own.privateKey } };
  };

  test('a certificate in force is token enough, for the same identity only', async () => {
    const { call, certificate, authority } = await enrolled();
    const [leaf = ''] = await call({ csr: request([`subjectAltName=URI:${REVIEWS_URI}`]).csr, certificate });
    expect(new X509Certificate(leaf).subjectAltName).toBe(`URI:${REVIEWS_URI}`);
    expect(authority.report().leaves).toMatchObject([{ holder: 'reviews-v1', identity: REVIEWS_URI, rotations: 1 }]);
    const other = request(['subjectAltName=URI:spiffe://cluster.local/ns/default/sa/productpage']).csr;
    await expect(call({ csr: other, certificate })).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
  });

  test('one that is over by our clock is not, though OpenSSL would take it', async () => {
    const { call, certificate, time } = await enrolled();
    time.aheadMs = 61_000;
    await expect(call({ csr: request().csr, certificate })).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
  });
});

test('the log says who got what until when, and never a request, a token or a key', async () => {
  const { call, tokenFor, lines } = await service();
  const token = tokenFor();
  const { csr } = request();
  const [leaf = ''] = await call({ csr, token });
  expect(lines.join('\n')).toContain(`"identity":"${REVIEWS_URI}","serial":"${new X509Certificate(leaf).serialNumber.toLowerCase()}"`);
  expect(lines.join('\n')).not.toMatch(new RegExp(`BEGIN|${token}`));
});

test('its own certificate has both of its names, and TLS 1.1 and plain text get nowhere', async () => {
  const { port, authority } = await service();
  const socket = connect({ host: '127.0.0.1', port, ca: authority.roots, servername: 'istiod.istio-system.svc', ALPNProtocols: ['h2'] });
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  expect(socket.getPeerX509Certificate()?.subjectAltName).toBe(
    'DNS:istiod.istio-system.svc, URI:spiffe://cluster.local/ns/istio-system/sa/istiod',
  );
  socket.destroy();
  const old = connect({ host: '127.0.0.1', port, ca: authority.roots, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' });
  await expect(new Promise((resolve, reject) => old.once('secureConnect', resolve).once('error', reject))).rejects.toThrow();
});
