/**
 * One secret that comes from files: PEM texts, or a DiscoveryResponse whose secrets may name PEM files in turn. Read, watched, read again; what is half
 * written or broken keeps the last good one. Loaded only by proxies whose configuration names files.
 */
import { watch } from 'node:fs';
import { open } from 'node:fs/promises';
import { type CertificateValidationContext, type DataSource, Secret, type TlsCertificate } from '#envoy';
import type { Cancel, Clock } from '#system/clock.ts';
import type { System } from '#system/system.ts';
import { type CompiledSecret, compileSecret, putSecret, trySecret } from './compile-secret.ts';
import type { SecretRef, SecretStore } from './secret-store.ts';

const MAX_FILE_BYTES = 1024 * 1024;
/** A replacement is several events: the last of them counts. */
const SETTLE_MS = 50;

/** Text of a small file. Rejects with words that name the file and nothing of its content. */
export const readSmallFile = async (path: string): Promise<string> => {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size > MAX_FILE_BYTES) throw new RangeError(`${path} has ${size} bytes, and ${MAX_FILE_BYTES} are allowed`);
    const { bytesRead, buffer } = await file.read(Buffer.alloc(MAX_FILE_BYTES + 1), 0, MAX_FILE_BYTES + 1, 0);
    if (bytesRead > MAX_FILE_BYTES) throw new RangeError(`${path} has more than ${MAX_FILE_BYTES} bytes`);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
};

/** Calls `changed` once things in the directory have been quiet for a moment; returns how to stop. Throws when there is no such directory. */
const watchDirectory = (path: string, clock: Clock, changed: () => void): (() => void) => {
  let settle: Cancel = () => {};
  const watcher = watch(path, { persistent: false }, () => {
    settle();
    settle = clock.after(SETTLE_MS, changed);
  });
  watcher.on('error', () => watcher.close());
  return () => {
    settle();
    watcher.close();
  };
};

type FileRoom = Pick<System, 'clock' | 'log' | 'metrics' | 'tls'>;

/** Follows the files until it is told to stop. One read at a time; what happens meanwhile is read afterwards. */
export const followFiles = (ref: SecretRef, store: SecretStore, system: FileRoom): (() => void) => {
  let stopped = false;
  let reading = false;
  let again = false;
  const failures = system.metrics.scope('sds').counter('file_update_failed');
  const told = (reason: unknown): void => {
    failures.value++;
    const words = reason instanceof Error ? reason.message : String(reason);
    system.log.warn('tls.secret-file-refused', { secret: ref.name, reason: words.slice(0, 500), kept: store.has(ref) });
  };
  const read = async (): Promise<void> => {
    again = true;
    if (reading) return;
    reading = true;
    while (again && !stopped) {
      again = false;
      try {
        const secret = await secretFrom(ref);
        await trySecret(secret, system.tls);
        if (!stopped) putSecret(store, ref, secret);
      } catch (error) {
        told(error);
      }
    }
    reading = false;
  };
  const unwatch = watchOr(ref, system, () => void read(), told);
  void read();
  return () => {
    stopped = true;
    unwatch();
  };
};

const watchOr = (ref: SecretRef, { clock }: FileRoom, changed: () => void, told: (reason: unknown) => void): (() => void) => {
  const { source } = ref;
  if ((source.kind !== 'path' && source.kind !== 'files') || source.watched === '') return () => {};
  try {
    return watchDirectory(source.watched, clock, changed);
  } catch (error) {
    told(error);
    return () => {};
  }
};

const secretFrom = async ({ name, source }: SecretRef): Promise<CompiledSecret> => {
  if (source.kind === 'files') return compileSecret(await fromPem(name, source));
  if (source.kind !== 'path') throw new TypeError(`${source.kind} is no source of files`);
  const secret = await fromDiscoveryFile(name, source.path);
  return compileSecret(await withTexts(secret));
};

const file = async (path: string): Promise<DataSource> => ({
  specifier: { $case: 'inlineString', value: await readSmallFile(path) },
  watchedDirectory: undefined,
});

const fromPem = async (name: string, source: Extract<SecretRef['source'], { kind: 'files' }>): Promise<Secret> => {
  const { certificateChain, privateKey, trustedRoots } = source;
  if (certificateChain !== undefined && privateKey !== undefined)
    return Secret.fromPartial({
      name,
      type: { $case: 'tlsCertificate', value: { certificateChain: await file(certificateChain), privateKey: await file(privateKey) } },
    });
  return Secret.fromPartial({ name, type: { $case: 'validationContext', value: { trustedCa: await file(trustedRoots ?? '') } } });
};

const fromDiscoveryFile = async (name: string, path: string): Promise<Secret> => {
  const { parse } = await import('yaml');
  const tree: unknown = parse(await readSmallFile(path), { maxAliasCount: 100 });
  const resources = typeof tree === 'object' && tree !== null && 'resources' in tree && Array.isArray(tree.resources) ? tree.resources : [];
  const found = resources.map((resource) => Secret.fromJSON(resource)).find((secret) => secret.name === name);
  if (!found) throw new Error(`${path} has no secret ${name}`);
  return found;
};

const withTexts = async (secret: Secret): Promise<Secret> => {
  const { type } = secret;
  if (type?.$case === 'tlsCertificate') return { ...secret, type: { ...type, value: await certificateTexts(type.value) } };
  if (type?.$case === 'validationContext') return { ...secret, type: { ...type, value: await trustTexts(type.value) } };
  return secret;
};

const text = async (source: DataSource | undefined): Promise<DataSource | undefined> =>
  source?.specifier?.$case === 'filename' ? file(source.specifier.value) : source;

const certificateTexts = async (value: TlsCertificate): Promise<TlsCertificate> => ({
  ...value,
  certificateChain: await text(value.certificateChain),
  privateKey: await text(value.privateKey),
  watchedDirectory: undefined,
});

const trustTexts = async (value: CertificateValidationContext): Promise<CertificateValidationContext> => ({
  ...value,
  trustedCa: await text(value.trustedCa),
  watchedDirectory: undefined,
});
