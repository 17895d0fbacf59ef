/** Files that only their owner may read: replaced whole, and on the disk before they count. */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Makes a folder with mode 0700. */
export const makePrivateFolder = (path: string): void => void mkdirSync(path, { recursive: true, mode: 0o700 });

/** Mode 0600. Whoever reads it meanwhile, or after a loss of power, finds the old text or the new one. */
export const writePrivateFile = (folder: string, name: string, text: string): void => {
  const path = join(folder, name);
  const fresh = openSync(`${path}.new`, 'w', 0o600);
  try {
    writeSync(fresh, text);
    fsyncSync(fresh);
  } finally {
    closeSync(fresh);
  }
  renameSync(`${path}.new`, path);
  const directory = openSync(folder, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
};

/** As writePrivateFile, but only a death of this process leaves it whole, not a loss of power: for what changes often and can be missed. */
export const replacePrivateFile = (folder: string, name: string, text: string): void => {
  const path = join(folder, name);
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
};

/** Undefined when there is none. */
export const readPrivateFile = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
};
