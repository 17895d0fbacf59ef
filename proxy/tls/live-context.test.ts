import { expect, test } from 'vitest';
import { simulatedSystem } from '../system/simulated-system.ts';
import { writeKey } from '../system/tls/simulated-certificate.ts';
import { authority, ME, rootPem } from './authority.fixture.ts';
import { liveContext, tlsRoom } from './live-context.ts';
import { type CertificateSecret, type SecretRef, SecretStore } from './secret-store.ts';

const OWN: SecretRef = { name: 'default', source: { kind: 'grpc', cluster: 'sds-grpc' } };
const ROOTS: SecretRef = { name: 'ROOTCA', source: { kind: 'ads' } };
const PARAMETERS = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3', cipherSuites: [], alpn: [] } as const;

const setUp = () => {
  const system = simulatedSystem();
  const secrets = new SecretStore();
  const room = tlsRoom(system, secrets);
  const settings = { certificate: secrets.certificate(OWN), trust: secrets.trust(ROOTS), parameters: PARAMETERS };
  const ca = authority(system.clock);
  const certificate = async (): Promise<CertificateSecret> => {
    const { csr, privateKey } = await system.tls.requestFor(ME);
    return { certificateChain: await ca.issue({ csr, lifeSeconds: 60 }), privateKey };
  };
  const trust = { trustedRoots: rootPem('root'), names: [], certificates: [] };
  return { system, secrets, room, settings, certificate, trust, context: liveContext(settings, room) };
};

test('there is no context before every secret has arrived', async () => {
  const { secrets, context, certificate, trust } = setUp();
  expect([await context.ready(), context.missing]).toEqual([undefined, ['default', 'ROOTCA']]);
  secrets.putTrust(ROOTS, trust);
  expect([await context.ready(), context.missing]).toEqual([undefined, ['default']]);
  secrets.putCertificate(OWN, await certificate());
  expect((await context.ready())?.leaf?.uris).toEqual([ME]);
  expect(context.missing).toEqual([]);
});

test('a rotation is a new context, beside the old one', async () => {
  const { secrets, context, certificate, trust } = setUp();
  secrets.putTrust(ROOTS, trust);
  secrets.putCertificate(OWN, await certificate());
  const before = await context.ready();
  secrets.putCertificate(OWN, await certificate());
  expect(context.current).toBe(before);
  expect((await context.ready())?.leaf?.serial).not.toBe(before?.leaf?.serial);
});

test('a secret that does not work keeps the last context, and is told by its name', async () => {
  const { secrets, context, certificate, trust, system } = setUp();
  secrets.putTrust(ROOTS, trust);
  secrets.putCertificate(OWN, await certificate());
  const before = await context.ready();
  secrets.putCertificate(OWN, { ...(await certificate()), privateKey: writeKey('another') });
  expect(await context.ready()).toBe(before);
  expect(system.events.find(({ event }) => event === 'tls.context-failed')?.fields).toMatchObject({
    secrets: ['default', 'ROOTCA'],
    kept: true,
  });
  expect(system.metrics.value('tls.context_build_failed')).toBe(1);
});

test('a secret that was withdrawn leaves nothing', async () => {
  const { secrets, context, certificate, trust } = setUp();
  secrets.putTrust(ROOTS, trust);
  secrets.putCertificate(OWN, await certificate());
  await context.ready();
  secrets.putCertificate(OWN, undefined);
  expect([context.current, await context.ready()]).toEqual([undefined, undefined]);
});

test('whoever has the same secrets and parameters has the same context', () => {
  const { settings, room, context } = setUp();
  expect(liveContext({ ...settings }, room)).toBe(context);
  expect(liveContext({ ...settings, parameters: { ...PARAMETERS, alpn: ['h2'] } }, room)).not.toBe(context);
});
