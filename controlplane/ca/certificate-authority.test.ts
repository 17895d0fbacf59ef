/** What survives a restart, what an imported root must be like, and how one root gives way to another. */
import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folder, openssl, REVIEWS, request, service, someSystem } from './ca.fixture.ts';
import { openMeshAuthority } from './mesh-authority.ts';

const open = (directory: string, importFrom?: string) =>
  openMeshAuthority(
    { kind: 'folder', directory, address: { address: '127.0.0.1', port: 0 }, ...(importFrom !== undefined && { importFrom }) },
    'cluster.local',
    someSystem().system,
  );

/** A root and an intermediate, as `cacerts` has them, made by openssl. */
const cacerts = (): string => {
  const directory = folder();
  const ssl = (...args: string[]) => openssl(directory, ...args);
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const ca = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign'];
  ssl('req', '-x509', ...ec, '-keyout', 'root-key.pem', '-out', 'root-cert.pem', '-subj', '/CN=Root', '-days', '30', ...ca);
  ssl('req', '-new', ...ec, '-keyout', 'ca-key.pem', '-out', 'ca.csr', '-subj', '/CN=Middle', ...ca);
  ssl(
    'x509',
    '-req',
    '-in',
    'ca.csr',
    '-CA',
    'root-cert.pem',
    '-CAkey',
    'root-key.pem',
    '-out',
    'ca-cert.pem',
    '-days',
    '20',
    '-copy_extensions',
    'copyall',
  );
  const read = (name: string) => readFileSync(join(directory, name), 'utf8');
  writeFileSync(join(directory, 'cert-chain.pem'), read('ca-cert.pem') + read('root-cert.pem'));
  return directory;
};

describe('the folder', () => {
  test('only its owner may read it, and a restart finds the same root', async () => {
    const { directory, authority } = await service();
    const modes = (readdirSync(directory, { recursive: true }) as string[]).map((name) => {
      const found = statSync(join(directory, name));
      return [found.isDirectory(), (found.mode & 0o777).toString(8)];
    });
    expect(new Set(modes.map(String))).toEqual(new Set(['true,700', 'false,600']));
    expect((await open(directory)).authority.roots).toBe(authority.roots);
  });

  test('two meshes have two roots', async () => {
    expect((await open(folder())).authority.roots).not.toBe((await open(folder())).authority.roots);
  });

  test('a used token stays used after a restart, and an unused one good', async () => {
    const { directory, call, tokenFor } = await service();
    const [used, unused] = [tokenFor(), tokenFor()];
    const { csr } = request();
    await call({ csr, token: used });
    const again = await service(directory);
    await expect(again.call({ csr, token: used })).rejects.toThrow('UNAUTHENTICATED');
    await again.call({ csr, token: unused });
  });

  test('what cannot be used stops the start instead of giving way to another root', async () => {
    const { directory } = await service();
    writeFileSync(join(directory, 'trust.json'), '{');
    await expect(open(directory)).rejects.toThrow(/trust.json: not the state of an authority/);
  });

  test('tokens are nowhere in it', async () => {
    const { directory, tokenFor } = await service();
    const token = tokenFor();
    expect(readFileSync(join(directory, 'issued.json'), 'utf8')).not.toContain(token);
  });
});

describe('an imported root', () => {
  test('signs, with its intermediate in the chain, and no leaf outlives the intermediate', async () => {
    const from = cacerts();
    const { call, tokenFor, authority } = await service(folder(), from);
    expect(authority.roots.trim()).toBe(readFileSync(join(from, 'root-cert.pem'), 'utf8').trim());
    const chain = await call({ csr: request().csr, token: tokenFor() });
    expect(chain).toHaveLength(3);
    writeFileSync(join(from, 'leaf.pem'), chain[0] ?? '');
    writeFileSync(join(from, 'middle.pem'), chain[1] ?? '');
    expect(openssl(from, 'verify', '-CAfile', 'root-cert.pem', '-untrusted', 'middle.pem', 'leaf.pem')).toContain('OK');
  });

  test.each([
    ['a file that is missing', 'cert-chain.pem', undefined, /cert-chain.pem is missing/],
    ['a key of another', 'ca-key.pem', () => request().privateKey, /ca-key.pem: the key is not the one of ca-cert.pem/],
    ['a key that is none', 'ca-key.pem', () => 'x', /ca-key.pem: the key cannot be read/],
    ['another root', 'root-cert.pem', () => readFileSync(join(cacerts(), 'root-cert.pem'), 'utf8'), /is not signed by/],
    ['an intermediate for a root', 'root-cert.pem', () => readFileSync(join(cacerts(), 'ca-cert.pem'), 'utf8'), /not a root/],
  ])('%s is refused by name', async (_what, name, text, why) => {
    const from = cacerts();
    if (text === undefined) openssl(from, 'version');
    writeFileSync(join(from, name), text?.() ?? '');
    if (text === undefined) (await import('node:fs')).rmSync(join(from, name));
    await expect(open(folder(), from)).rejects.toThrow(why);
  });
});

describe('a change of roots', () => {
  const nobody = { behind: [] };

  test('goes A, A and B, B, and a restart in any phase goes on', async () => {
    const directory = folder();
    const first = (await open(directory)).authority;
    const a = first.roots;
    await first.rotate('begin', nobody);
    const begun = (await open(directory)).authority;
    expect(begun.report()).toMatchObject({ phase: 'begun', roots: [{ isSigning: true, pem: a }, { isSigning: false }] });
    await begun.rotate('switch', nobody);
    const switched = (await open(directory)).authority;
    expect(switched.report()).toMatchObject({ phase: 'switched', roots: [{ isSigning: true }, { isSigning: false, pem: a }] });
    expect(readFileSync(join(directory, 'roots.pem'), 'utf8')).toBe(switched.roots);
    await switched.rotate('finish', nobody);
    const last = (await open(directory)).authority;
    expect(last.roots).not.toContain(a);
    expect(last.report()).toMatchObject({ phase: 'steady', roots: [{ isSigning: true }] });
    expect(readdirSync(directory).filter((name) => /^[0-9a-f]{8}$/.test(name))).toHaveLength(1);
  });

  test('every step out of its turn is refused', async () => {
    const { authority } = await open(folder());
    await expect(authority.rotate('switch', nobody)).rejects.toThrow('begin one first');
    await expect(authority.rotate('finish', nobody)).rejects.toThrow('no change of roots is under way');
    await authority.rotate('begin', nobody);
    await expect(authority.rotate('begin', nobody)).rejects.toThrow('under way already');
    await expect(authority.rotate('finish', nobody)).rejects.toThrow('switch first');
  });

  test('the new root does not sign before every proxy trusts it', async () => {
    const { authority } = await open(folder());
    await authority.rotate('begin', nobody);
    await expect(authority.rotate('switch', { behind: ['reviews-v1'] })).rejects.toThrow('do not trust the new root yet: reviews-v1');
    expect(authority.report().phase).toBe('begun');
  });

  test('a root made while the mesh is half a day ahead can be used at once: OpenSSL has the time of the machine', async () => {
    const { authority, call, tokenFor, time } = await service();
    time.aheadMs = 46_800_000;
    await authority.rotate('begin', nobody);
    await authority.rotate('switch', nobody);
    const [, ...above] = await call({ csr: request().csr, token: tokenFor(REVIEWS, 'reviews-v1') });
    expect(above.length).toBeGreaterThan(0);
    for (const pem of above) expect(Date.parse(new X509Certificate(pem).validFrom)).toBeLessThanOrEqual(Date.now());
  });

  test('the old root is trusted until each certificate under it was replaced, and a moment longer', async () => {
    const { authority, call, tokenFor, time } = await service();
    for (const holder of ['reviews-v1', 'reviews-v2']) await call({ csr: request().csr, token: tokenFor(REVIEWS, holder) });
    await authority.rotate('begin', nobody);
    await authority.rotate('switch', nobody);
    await call({ csr: request().csr, token: tokenFor(REVIEWS, 'reviews-v1') });
    time.aheadMs = 1_100;
    await expect(authority.rotate('finish', nobody)).rejects.toThrow(/still in force: reviews-v2 until/);
    await call({ csr: request().csr, token: tokenFor(REVIEWS, 'reviews-v2') });
    await expect(authority.rotate('finish', nobody)).rejects.toThrow(/reviews-v2, which got its new one a moment ago/);
    time.aheadMs = 2_300;
    await authority.rotate('finish', nobody);
  });

  test('a certificate under the old root that is over holds nobody up, and one under it that is in force renews meanwhile', async () => {
    const { authority, call, tokenFor, time } = await service();
    const own = request();
    const chain = await call({ csr: own.csr, token: tokenFor(REVIEWS, 'reviews-v1'), lifeSeconds: 60 });
    await authority.rotate('begin', nobody);
    await authority.rotate('switch', nobody);
    const renewed = await call({
      csr: request().csr,
      certificate: { chain: chain.slice(0, -1).join(''), privateKey: own.privateKey },
      lifeSeconds: 60,
    });
    expect(renewed.at(-1)).not.toBe(chain.at(-1));
    time.aheadMs = 61_000;
    await authority.rotate('finish', nobody);
    await expect(
      call({ csr: request().csr, certificate: { chain: chain.slice(0, -1).join(''), privateKey: own.privateKey } }),
    ).rejects.toThrow('UNAUTHENTICATED');
  });
});
