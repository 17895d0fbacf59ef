/** What a learner has reached, kept in one small file. Page and terminal write to it by step, so that neither undoes the other. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Progress, readProgress, readStep } from '#labs';

/** Nothing yet, or unreadable: starts from the beginning. */
const load = async (file: string): Promise<Progress> => {
  try {
    return readProgress(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return {};
    throw error;
  }
};

/** Written whole or not at all. */
const save = async (file: string, progress: Progress): Promise<void> => {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, JSON.stringify(progress), { mode: 0o600 });
  await rename(`${file}.new`, file);
};

/** Living state: changes come one after another. */
export class ProgressBook {
  readonly #file: string;
  #last: Promise<Progress>;

  constructor(file: string) {
    this.#file = file;
    this.#last = load(file);
    // Whoever reads it is told; until then nobody waits for it.
    this.#last.catch(() => undefined);
  }

  read(): Promise<Progress> {
    return this.#last;
  }

  /** Adds what is new about one step. Gives the whole. */
  reach(key: string, fresh: unknown): Promise<Progress> {
    return this.#change((progress) => readProgress({ ...progress, [key]: { ...progress[key], ...readStep(fresh) } }));
  }

  /** Forgets the steps of one lab. */
  forget(lab: string): Promise<Progress> {
    return this.#change((progress) => Object.fromEntries(Object.entries(progress).filter(([key]) => !key.startsWith(`${lab}#`))));
  }

  #change(change: (progress: Progress) => Progress): Promise<Progress> {
    const before = this.#last;
    const next = before.then(async (progress) => {
      const changed = change(progress);
      await save(this.#file, changed);
      return changed;
    });
    // A change that could not be written is told to whoever made it; the others go on from what there was.
    this.#last = next.catch(() => before);
    return next;
  }
}
