/** What opens doors is shown nowhere: keys, tokens and cookies are searched for in all that a mesh writes and shows while much happens in it. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import type { Environment } from '../mode.ts';
import { RUN_DIRECTORY } from '../run-file.ts';
import { askCallee, twoVersions } from '../two-versions.fixture.ts';
import { startProcessMode } from './process.ts';

const COOKIE = 'session=cookie-that-nobody-may-see';
/** How every P-256 key begins in PEM, and how files of keys begin. */
const KEYS = ['MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg', 'PRIVATE KEY'];
const PAGES = [
  '/config_dump?include_eds',
  '/certs',
  '/clusters?format=json',
  '/listeners',
  '/stats',
  '/stats/prometheus',
  '/server_info',
  '/memory',
];
const DEBUG = ['syncz', 'vips', 'configz', 'registryz', ...twoVersions.workloads.map(({ name }) => `xds?workload=${name}`)];

const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token that is good, and the policies by which it is: one of them asks about everything that is secret. */
const signedToken = () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signed = `${base64({ alg: 'ES256', kid: 'k' })}.${base64({ iss: 'issuer', sub: 'somebody', exp: 4_000_000_000 })}`;
  const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url');
  const keys = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k' }] });
  const policies = `
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: tokens, namespace: default }
spec:
  jwtRules: [{ issuer: issuer, jwks: '${keys}', forwardOriginalToken: true }]
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: strict, namespace: default }
spec: { mtls: { mode: STRICT } }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: asks, namespace: default }
spec:
  action: DENY
  rules:
  - to: [{ operation: { methods: [GET] } }]
    when:
    - { key: 'request.headers[cookie]', values: ['*denied'] }
    - { key: 'request.headers[authorization]', values: ['*'] }
`;
  return { token: `${signed}.${signature}`, signature, policies };
};

/** Status of the answer. */
const ask = async (mesh: Environment, headers: string): Promise<string> =>
  (await buffer(await askCallee(mesh, `${headers}Connection: close\r\n`))).toString('latin1').slice(9, 12);

const filesUnder = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
  );

/** Everything that can be read of a mesh without being its authority or a starting proxy: page or file → text. */
const shownBy = async (mesh: Environment, directory: string): Promise<ReadonlyMap<string, string>> => {
  const shown = new Map<string, string>();
  for (const { name } of mesh.workloads) for (const page of PAGES) shown.set(`${name} ${page}`, await mesh.admin(name, page));
  const { url } = mesh.controlPlane;
  for (const page of [...DEBUG.map((name) => `/debug/${name}`), '/resources', '/problems', '/identity/authority'])
    shown.set(page, await (await fetch(`${url}${page}`, { headers: { connection: 'close' } })).text());
  for (const file of filesUnder(directory)) if (!/\/ca\/|\.token$/.test(file)) shown.set(file, readFileSync(file, 'latin1'));
  return shown;
};

const tokensIn = (directory: string): string[] =>
  filesUnder(join(directory, 'identity')).flatMap((file) => (file.endsWith('.token') ? [readFileSync(file, 'utf8')] : []));

test('no log, page, record or file shows a key, a token or a cookie; what must be kept is private, and gone at the end', {
  timeout: 180_000,
}, async () => {
  const name = `secrets-${process.pid}`;
  const directory = join(RUN_DIRECTORY, name);
  const { token, signature, policies } = signedToken();
  {
    await using mesh = await startProcessMode(twoVersions, { mode: 'process', dataPlane: 'dinghy', name, leafLifeSeconds: 60 });
    const records: string[] = [];
    mesh.exchanges.subscribe((exchange) => records.push(JSON.stringify(exchange)));
    for (const { adminUrl } of mesh.workloads) await fetch(`${adminUrl}/logging?level=debug`, { method: 'POST' });
    await mesh.waitForVersion((await mesh.applyYaml(policies)).version);
    const bearer = `Authorization: Bearer ${token}\r\n`;
    expect(await ask(mesh, `${bearer}Cookie: ${COOKIE}\r\n`)).toBe('200');
    expect(await ask(mesh, `${bearer}Cookie: ${COOKIE}; denied\r\n`)).toBe('403');
    expect(await ask(mesh, `Authorization: Bearer ${token}x\r\nCookie: ${COOKIE}\r\n`)).toBe('401');
    const tokens = tokensIn(directory);
    process.kill(mesh.workloads[1]?.pid ?? 0, 'SIGABRT');
    const log = join(directory, 'callee-v1.proxy.log');
    await expect.poll(() => readFileSync(log, 'utf8'), { timeout: 30_000 }).toContain('ended with SIGABRT');
    await expect.poll(() => mesh.admin('callee-v1', '/ready').catch(() => ''), { timeout: 60_000 }).toContain('LIVE');

    const shown = new Map([...(await shownBy(mesh, directory)), ['records', records.join('\n')]]);
    expect(shown.get('callee-v2 /certs')).toContain('spiffe://cluster.local/ns/default/sa/callee');
    expect(shown.get('records')).toContain('"status":403');
    const secrets = [...KEYS, ...tokens, ...tokensIn(directory), signature, COOKIE, mesh.controlPlane.token];
    const found = [...shown].flatMap(([where, text]) => secrets.filter((secret) => text.includes(secret)).map((secret) => [where, secret]));
    expect(found).toEqual([]);

    for (const file of filesUnder(directory).filter((path) => /\/(ca|identity)\//.test(path)))
      expect([file, statSync(file).mode & 0o777]).toEqual([file, 0o600]);
    for (const folder of ['', 'ca', 'identity']) expect([folder, statSync(join(directory, folder)).mode & 0o777]).toEqual([folder, 0o700]);
  }
  expect(existsSync(directory)).toBe(false);
});
