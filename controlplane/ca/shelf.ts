/** Where authorities and what was issued are kept: a folder, or memory. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '#system/log.ts';
import type { KeptToken } from './attestation.ts';
import { readAuthorityFiles } from './authority-files.ts';
import type { IssuedLeaf } from './issued-leaves.ts';
import { makePrivateFolder, readPrivateFile, replacePrivateFile, writePrivateFile } from './private-files.ts';
import type { Signer } from './signer.ts';
import { readTrustBundle, type TrustBundle } from './trust-bundle.ts';
import type { X509Signer } from './x509-signer.ts';

/** What changes with every certificate. */
export interface IssuedState {
  readonly leaves: readonly IssuedLeaf[];
  readonly tokens: readonly KeptToken[];
}

/** Authorities by id, and the two states around them. */
export interface Shelf<Kind extends Signer = Signer> {
  /** Undefined on the first start. */
  readonly bundle: TrustBundle | undefined;
  readonly issued: IssuedState;
  /** Makes one, or takes it from a folder like istiod's `cacerts`, and keeps it. */
  create(nowMs: number, from?: string): Promise<{ readonly id: string; readonly signer: Kind }>;
  load(id: string, nowMs: number): Promise<Kind>;
  remove(id: string): void;
  /** roots: PEM, for whoever must know whom to trust before it has asked anybody. */
  keepBundle(bundle: TrustBundle, roots: string): void;
  keepIssued(state: IssuedState): void;
}

/** Name of the file with the roots, beside the authorities. */
export const ROOTS_FILE = 'roots.pem';
const BUNDLE_FILE = 'trust.json';
const ISSUED_FILE = 'issued.json';

/** Files 0600 in a folder 0700. Throws when what lies there cannot be understood: a new root in its place would cut everybody off. */
export const folderShelf = (folder: string, trustDomain: string, log: Log): Shelf<X509Signer> => {
  makePrivateFolder(folder);
  const of = (id: string): string => join(folder, id);
  /** When the life of the one before began: the machine's time has been there. */
  let begunMs: number | undefined;
  const begun = (signer: X509Signer): X509Signer => {
    begunMs = signer.notBeforeMs;
    return signer;
  };
  return {
    bundle: readBundle(join(folder, BUNDLE_FILE)),
    issued: readIssued(join(folder, ISSUED_FILE), log),
    create: async (nowMs, from) => {
      const { makeAuthority, x509Signer } = await import('./x509-signer.ts');
      const files = from === undefined ? await makeAuthority(trustDomain, nowMs, begunMs) : readAuthorityFiles(from, nowMs);
      const id = randomBytes(4).toString('hex');
      makePrivateFolder(of(id));
      for (const [name, text] of Object.entries(files)) writePrivateFile(of(id), name, text);
      return { id, signer: begun(await x509Signer(files)) };
    },
    load: async (id, nowMs) => {
      const { x509Signer } = await import('./x509-signer.ts');
      return begun(await x509Signer(readAuthorityFiles(of(id), nowMs)));
    },
    remove: (id) => rmSync(of(id), { recursive: true, force: true }),
    keepBundle: (bundle, roots) => {
      writePrivateFile(folder, ROOTS_FILE, roots);
      writePrivateFile(folder, BUNDLE_FILE, JSON.stringify(bundle));
    },
    keepIssued: (state) => replacePrivateFile(folder, ISSUED_FILE, JSON.stringify(state)),
  };
};

const readBundle = (file: string): TrustBundle | undefined => {
  const text = readPrivateFile(file);
  if (text === undefined) return undefined;
  const bundle = readTrustBundle(parse(text));
  if (bundle === undefined) throw new Error(`${file}: not the state of an authority`);
  return bundle;
};

/** Without it nothing is in danger but the list that people see and tokens of the last minutes. */
const readIssued = (file: string, log: Log): IssuedState => {
  const state = parse(readPrivateFile(file) ?? '{"leaves":[],"tokens":[]}');
  const { leaves, tokens } = (typeof state === 'object' && state !== null ? state : {}) as Partial<IssuedState>;
  if (Array.isArray(leaves) && Array.isArray(tokens)) return { leaves, tokens };
  log.error('ca.issued-unreadable', { file });
  return { leaves: [], tokens: [] };
};

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** For worlds without files. */
export const memoryShelf = <Kind extends Signer>(make: (id: string, nowMs: number) => Kind): Shelf<Kind> => {
  const signers = new Map<string, Kind>();
  return {
    bundle: undefined,
    issued: { leaves: [], tokens: [] },
    create: async (nowMs, from) => {
      if (from !== undefined) throw new Error('a world without files imports none');
      const id = `root${signers.size + 1}`;
      const signer = make(id, nowMs);
      signers.set(id, signer);
      return { id, signer };
    },
    load: async (id) => {
      const found = signers.get(id);
      if (found === undefined) throw new Error(`no authority ${id}`);
      return found;
    },
    remove: () => {},
    keepBundle: () => {},
    keepIssued: () => {},
  };
};
