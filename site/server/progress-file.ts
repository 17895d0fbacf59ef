/** What a learner has reached, kept in one small file. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Progress, readProgress } from '#labs';

/** Nothing yet, or unreadable: starts from the beginning. */
export const loadProgress = async (file: string): Promise<Progress> => {
  try {
    return readProgress(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return {};
    throw error;
  }
};

/** Written whole or not at all. */
export const saveProgress = async (file: string, progress: Progress): Promise<void> => {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, JSON.stringify(progress), { mode: 0o600 });
  await rename(`${file}.new`, file);
};
