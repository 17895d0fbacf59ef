/** A signing service that is not ours: openssl's certificates behind node:http2, in a folder that goes with the test. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createSecureServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { onTestFinished } from 'vitest';
import { IstioCertificateRequest, IstioCertificateResponse } from '#envoy';
import { frameMessage, messageReader } from './system/sockets/grpc-messages.ts';

export const ME = 'spiffe://cluster.local/ns/default/sa/me';

/** A folder that goes with the test. */
export const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'dinghy-agent-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
};

/** What one call showed. */
export interface Shown {
  readonly token: string;
  /** URI of the client's certificate; empty without one. */
  readonly uri: string;
}

const CURVE = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** Root, serving certificate, and signatures over what is asked. */
const authorityIn = (directory: string) => {
  const openssl = (...args: readonly string[]): string =>
    execFileSync('openssl', args, { cwd: directory, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  openssl('req', '-x509', ...CURVE, '-keyout', 'root.key', '-out', 'root.pem', '-days', '2', '-subj', '/CN=root');
  openssl(
    'req',
    ...CURVE,
    '-keyout',
    'ca.key',
    '-out',
    'ca.csr',
    '-subj',
    '/CN=ca',
    '-addext',
    'subjectAltName=DNS:istiod.istio-system.svc',
  );
  const sign = (csr: string, out: string): void => {
    const authority = ['-CA', 'root.pem', '-CAkey', 'root.key', '-CAcreateserial'];
    openssl('x509', '-req', '-in', csr, ...authority, '-days', '1', '-copy_extensions', 'copy', '-out', out);
  };
  sign('ca.csr', 'ca.pem');
  const read = (name: string): string => readFileSync(join(directory, name), 'utf8');
  let serial = 0;
  return {
    read,
    sign: (csr: string): string => {
      const name = `leaf-${++serial}`;
      writeFileSync(join(directory, `${name}.csr`), csr);
      sign(`${name}.csr`, `${name}.pem`);
      return read(`${name}.pem`);
    },
  };
};

/** Listens; `shown` grows with each call, `answer` may be replaced. */
export const signingService = async () => {
  const directory = folder();
  const authority = authorityIn(directory);
  const shown: Shown[] = [];
  const service = { answer: (csr: string): readonly string[] => [authority.sign(csr), authority.read('root.pem')] };
  const server = createSecureServer({
    key: authority.read('ca.key'),
    cert: authority.read('ca.pem'),
    ca: authority.read('root.pem'),
    requestCert: true,
    rejectUnauthorized: false,
  });
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => void sessions.add(session.on('error', () => {})));
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    const socket = stream.session?.socket as TLSSocket | undefined;
    shown.push({
      token: String(headers.authorization ?? ''),
      uri: socket?.getPeerCertificate().subjectaltname ?? '',
    });
    const read = messageReader(1_000_000);
    stream
      .on('error', () => {})
      .on('data', (chunk: Buffer) => {
        for (const message of read(chunk)) {
          const { csr } = IstioCertificateRequest.decode(message);
          stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
          stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
          stream.end(frameMessage(IstioCertificateResponse.encode({ certChain: [...service.answer(csr)] }).finish()));
        }
      });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  writeFileSync(join(directory, 'token'), 'one-use-token\n');
  const identity = join(directory, 'identity.json');
  writeFileSync(
    identity,
    JSON.stringify({
      spiffeId: ME,
      caAddress: `127.0.0.1:${port}`,
      caRoots: join(directory, 'root.pem'),
      caName: 'istiod.istio-system.svc',
      tokenFile: join(directory, 'token'),
      lifeSeconds: 60,
    }),
  );
  return Object.assign(service, { directory, identity, shown, roots: authority.read('root.pem') });
};
