/** An authority in a folder of its own, its service, and foreign clients: openssl for requests, grpc-js for calls. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import { IstioCertificateRequest, IstioCertificateResponse } from '#envoy';
import type { System } from '#system/system.ts';
import { openMeshAuthority } from './mesh-authority.ts';
import { AUTHORITY_NAME, CREATE_CERTIFICATE } from './signing-service.ts';

/** A folder that goes with the test. */
export const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'dinghy-ca-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
};

/** openssl in a folder; gives what it says. */
export const openssl = (directory: string, ...args: readonly string[]): string =>
  execFileSync('openssl', args, {
    cwd: directory,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, OPENSSL_CONF: '/dev/null' },
  });

/** Extensions and key of a request: `subjectAltName=URI:…`. */
export const request = (
  extensions: readonly string[] = [],
  key: readonly string[] = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  more: readonly string[] = [],
) => {
  const directory = folder();
  const added = extensions.flatMap((extension) => ['-addext', extension]);
  openssl(directory, 'req', '-new', ...key, '-nodes', '-keyout', 'key.pem', '-out', 'csr.pem', '-subj', '/O=anybody', ...added, ...more);
  const read = (name: string) => readFileSync(join(directory, name), 'utf8');
  return { directory, csr: read('csr.pem'), privateKey: read('key.pem') };
};

export const REVIEWS = { trustDomain: 'cluster.local', namespace: 'default', serviceAccount: 'reviews' };
export const REVIEWS_URI = 'spiffe://cluster.local/ns/default/sa/reviews';

/** A system whose time somebody sets, and what it logged. */
export const someSystem = () => {
  const time = { aheadMs: 0 };
  const lines: string[] = [];
  const tell = (event: string, fields?: object) => void lines.push(`${event} ${JSON.stringify(fields)}`);
  const log = { debug: tell, info: tell, warn: tell, error: tell } as unknown as System['log'];
  const clock = {
    wallTimeMs: () => Date.now() + time.aheadMs,
    nowMs: () => performance.now(),
    after: () => () => {},
  } as unknown as System['clock'];
  return { time, lines, system: { clock, log } };
};

/** Who calls: with a token, with a certificate, with neither. */
export interface Call {
  readonly csr: string;
  readonly token?: string;
  readonly certificate?: { readonly chain: string; readonly privateKey: string };
  readonly lifeSeconds?: number;
}

/** An authority that listens. directory: of an earlier one, to go on where it was. */
export const service = async (directory = folder(), importFrom?: string) => {
  const { time, lines, system } = someSystem();
  const config = {
    kind: 'folder',
    directory,
    address: { address: '127.0.0.1', port: 0 },
    ...(importFrom !== undefined && { importFrom }),
  } as const;
  const opened = await openMeshAuthority(config, 'cluster.local', system);
  const { authority } = opened;
  const listening = await opened.listen();
  if (!listening) throw new Error('it does not listen');
  onTestFinished(() => listening.close());
  const call = ({ csr, token, certificate, lifeSeconds = 600 }: Call): Promise<readonly string[]> => {
    const chain = certificate && [Buffer.from(certificate.privateKey), Buffer.from(certificate.chain)];
    const secure = credentials.createSsl(Buffer.from(authority.roots), chain?.[0] ?? null, chain?.[1] ?? null);
    const client = new Client(`127.0.0.1:${listening.address.port}`, secure, { 'grpc.ssl_target_name_override': AUTHORITY_NAME });
    const metadata = new Metadata();
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        CREATE_CERTIFICATE,
        (message: IstioCertificateRequest) => Buffer.from(IstioCertificateRequest.encode(message).finish()),
        (bytes) => IstioCertificateResponse.decode(bytes),
        IstioCertificateRequest.fromPartial({ csr, validityDuration: lifeSeconds }),
        metadata,
        (error: ServiceError | null, answer?: IstioCertificateResponse) => {
          client.close();
          if (error) reject(error);
          else resolve(answer?.certChain ?? []);
        },
      );
    });
  };
  const tokenFor = (identity = REVIEWS, holder?: string) => authority.admit({ identity, ...(holder !== undefined && { holder }) });
  return { directory, authority, call, tokenFor, time, lines, port: listening.address.port };
};
