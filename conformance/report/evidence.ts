/** A failed case's evidence as files, gathered before the case's configuration is taken away. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cellName, type KeepEvidence } from '../verify.ts';

/** One folder a case and cell under `root`; what an earlier failure left there is gone. */
export const evidenceUnder =
  (root: string): KeepEvidence =>
  ({ id }, cell, files) => {
    const folder = join(root, id, cellName(cell).replaceAll('/', '-'));
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return folder;
  };
