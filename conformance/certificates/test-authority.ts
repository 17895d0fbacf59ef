/** An authority of the suite's own: certificates as a stranger or a careless workload might show them. Real X.509, so for real handshakes only. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { Certifier, KeyPair, LeafWishes } from './leaf-wishes.ts';

export type { KeyPair } from './leaf-wishes.ts';

x509.cryptoProvider.set(webcrypto as unknown as Crypto);

const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

/** One root that signs leaves. */
export interface TestAuthority extends Certifier {
  /** PEM. */
  readonly roots: string;
  /** The root's own key, PKCS #8, PEM: for a mesh that is to have this root. */
  readonly privateKey: string;
}

const newKeys = () => webcrypto.subtle.generateKey(EC, true, ['sign', 'verify']);

type Keys = Awaited<ReturnType<typeof newKeys>>;

const pem = (label: string, der: ArrayBuffer): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64').replace(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`;

const privateKeyOf = async ({ privateKey }: Keys): Promise<string> =>
  pem('PRIVATE KEY', await webcrypto.subtle.exportKey('pkcs8', privateKey));

const serial = (): string =>
  Buffer.from(webcrypto.getRandomValues(new Uint8Array(15)))
    .toString('hex')
    .replace(/^/, '01');

const USAGES = { both: [SERVER_AUTH, CLIENT_AUTH], server: [SERVER_AUTH], client: [CLIENT_AUTH] } as const;

const extensionsOf = ({ uris = [], dnsNames = [], usages = 'both' }: LeafWishes): x509.Extension[] => [
  new x509.BasicConstraintsExtension(false, undefined, true),
  new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
  new x509.ExtendedKeyUsageExtension([...USAGES[usages]]),
  new x509.SubjectAlternativeNameExtension(
    [...uris.map((value) => ({ type: 'url' as const, value })), ...dnsNames.map((value) => ({ type: 'dns' as const, value }))],
    true,
  ),
];

/** Who signs, and under which name. */
interface Signing {
  readonly issuer: string;
  readonly keys: Keys;
}

const signLeaf = async (wishes: LeafWishes, { issuer, keys }: Signing) => {
  const { fromDays = -1, untilDays = 1, subject = '' } = wishes;
  const own = await newKeys();
  const leaf = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    issuer,
    subject,
    notBefore: new Date(Date.now() + fromDays * DAY_MS),
    notAfter: new Date(Date.now() + untilDays * DAY_MS),
    signingAlgorithm: EC,
    publicKey: own.publicKey,
    signingKey: keys.privateKey,
    extensions: extensionsOf(wishes),
  });
  return { keys: own, pem: `${leaf.toString('pem')}\n` };
};

/** A new root with a key of its own. */
export const testAuthority = async (name = 'O=Somebody Else'): Promise<TestAuthority> => {
  const keys = await newKeys();
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name,
    notBefore: new Date(Date.now() - 30 * DAY_MS),
    notAfter: new Date(Date.now() + 3650 * DAY_MS),
    signingAlgorithm: EC,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  const own: Signing = { issuer: root.subject, keys };
  const issue = async (wishes: LeafWishes): Promise<KeyPair> => {
    const between = wishes.signedByLeaf ? await signLeaf({ ...wishes, subject: 'CN=a workload' }, own) : undefined;
    const leaf = await signLeaf(wishes, between ? { issuer: 'CN=a workload', keys: between.keys } : own);
    return { certificateChain: `${leaf.pem}${between?.pem ?? ''}`, privateKey: await privateKeyOf(leaf.keys) };
  };
  return { roots: `${root.toString('pem')}\n`, privateKey: await privateKeyOf(keys), issue };
};

/** Whether whoever reads that certificate must understand its alternative names. */
export const hasCriticalNames = (certificate: string): boolean =>
  new x509.X509Certificate(certificate).getExtension(x509.SubjectAlternativeNameExtension)?.critical === true;
