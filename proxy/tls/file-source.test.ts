/** On real files, with material of the simulated world. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { realClock } from '#system/clock.ts';
import { simulatedSystem } from '../system/simulated-system.ts';
import { authority, ME, rootPem } from './authority.fixture.ts';
import { followFiles } from './file-source.ts';
import { type SecretRef, SecretStore } from './secret-store.ts';

const setUp = () => {
  const directory = mkdtempSync(join(tmpdir(), 'dinghy-secrets-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const world = simulatedSystem();
  const system = { ...world, clock: realClock() };
  const store = new SecretStore();
  const follow = (ref: SecretRef): void => void onTestFinished(followFiles(ref, store, system));
  const ca = authority(world.clock);
  const pair = async () => {
    const { csr, privateKey } = await world.tls.requestFor(ME);
    return { chain: await ca.issue({ csr, lifeSeconds: 60 }), privateKey };
  };
  /** Settles when the store, or the log, has something new. */
  const news = (): Promise<void> =>
    new Promise((resolve) => {
      const seen = world.events.length;
      const stop = store.onChange(() => done());
      const timer = setInterval(() => world.events.length > seen && done(), 5);
      const done = (): void => {
        stop();
        clearInterval(timer);
        resolve();
      };
    });
  return { directory, world, store, follow, pair, news };
};

test('files that are replaced at once, as Kubernetes does, are one change; keys are not in the log', async () => {
  const { directory, store, follow, pair, news, world } = setUp();
  const put = async (version: string): Promise<string> => {
    const { chain, privateKey } = await pair();
    mkdirSync(join(directory, version));
    writeFileSync(join(directory, version, 'tls.crt'), chain);
    writeFileSync(join(directory, version, 'tls.key'), privateKey);
    symlinkSync(version, join(directory, '..new'));
    renameSync(join(directory, '..new'), join(directory, '..data'));
    return chain;
  };
  const first = await put('1');
  const ref: SecretRef = {
    name: 'cert',
    source: {
      kind: 'files',
      certificateChain: join(directory, '..data', 'tls.crt'),
      privateKey: join(directory, '..data', 'tls.key'),
      watched: directory,
    },
  };
  follow(ref);
  await news();
  expect(store.certificate(ref).current?.certificateChain).toBe(first);
  const second = await put('2');
  await news();
  expect(store.certificate(ref).current?.certificateChain).toBe(second);
  expect(JSON.stringify(world.events)).not.toContain('PRIVATE');
});

test('a file that is half written keeps the last good one, and is told', async () => {
  const { directory, store, follow, news, world } = setUp();
  const file = join(directory, 'roots.pem');
  writeFileSync(file, rootPem('one'));
  const ref: SecretRef = { name: 'roots', source: { kind: 'files', trustedRoots: file, watched: directory } };
  follow(ref);
  await news();
  writeFileSync(file, rootPem('two').slice(0, 40));
  await news();
  expect(store.trust(ref).current?.trustedRoots).toBe(rootPem('one'));
  expect(world.events.at(-1)).toMatchObject({ event: 'tls.secret-file-refused', fields: { secret: 'roots', kept: true } });
  writeFileSync(file, rootPem('two'));
  await news();
  expect(store.trust(ref).current?.trustedRoots).toBe(rootPem('two'));
});

test('a file of secrets may name the files of their texts', async () => {
  const { directory, store, follow, news } = setUp();
  writeFileSync(join(directory, 'roots.pem'), rootPem('one'));
  const path = join(directory, 'sds.yaml');
  writeFileSync(
    path,
    `resources:
- "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret
  name: roots
  validation_context: { trusted_ca: { filename: ${join(directory, 'roots.pem')} } }
`,
  );
  const ref: SecretRef = { name: 'roots', source: { kind: 'path', path, watched: directory } };
  follow(ref);
  await news();
  expect(store.trust(ref).current?.trustedRoots).toBe(rootPem('one'));
});

test('files that are not there are told, and come when they come', async () => {
  const { directory, store, follow, news, world } = setUp();
  const file = join(directory, 'roots.pem');
  const ref: SecretRef = { name: 'roots', source: { kind: 'files', trustedRoots: file, watched: directory } };
  follow(ref);
  await news();
  expect([store.has(ref), world.events.at(-1)?.event]).toEqual([false, 'tls.secret-file-refused']);
  writeFileSync(file, rootPem('one'));
  await news();
  expect(store.has(ref)).toBe(true);
});
