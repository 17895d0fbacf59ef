/** What watched files say: the last good content of each, and why some are not in force as they stand. LIVING STATE. */
import type { Problem } from '#api/resource.ts';
import { parseFiles } from '../resources/parse-documents.ts';
import { hasErrors } from '../resources/problem.ts';
import { type AnyResource, firstOfEach } from './identity.ts';

/** Of several files that name one resource the first by name has it; it passes on when that file lets go. */
export class WatchedFiles {
  readonly #good = new Map<string, { readonly resources: readonly AnyResource[]; readonly problems: readonly Problem[] }>();
  readonly #bad = new Map<string, readonly Problem[]>();
  #wanted: ReadonlyMap<string, AnyResource> = new Map();
  #doubled: readonly Problem[] = [];

  /** By key. A resource whose file did not change is the same object as before. */
  get wanted(): ReadonlyMap<string, AnyResource> {
    return this.#wanted;
  }

  /** Errors of files that keep what they said before, and of resources that another file has. */
  get rejected(): readonly Problem[] {
    return [...[...this.#bad.values()].flat(), ...this.#doubled];
  }

  /** changed: file → text, or undefined when it is gone. Gives every problem of the changed files. */
  update(changed: ReadonlyMap<string, string | undefined>): readonly Problem[] {
    for (const [file, text] of changed) {
      this.#bad.delete(file);
      if (text === undefined) this.#good.delete(file);
      else this.#read(file, text);
    }
    const files = [...this.#good].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, content]) => content);
    const { kept, problems } = firstOfEach(files.flatMap(({ resources }) => resources));
    this.#wanted = kept;
    this.#doubled = problems;
    return [...changed.keys()].flatMap((file) => [
      ...(this.#bad.get(file) ?? this.#good.get(file)?.problems ?? []),
      ...problems.filter((problem) => problem.file === file),
    ]);
  }

  #read(file: string, text: string): void {
    const { resources, problems } = parseFiles({ [file]: text });
    const all = [...problems, ...firstOfEach(resources).problems];
    if (hasErrors(all)) this.#bad.set(file, all);
    else this.#good.set(file, { resources, problems });
  }
}
