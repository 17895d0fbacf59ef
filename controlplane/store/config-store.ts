/**
 * What people configured, by kind, namespace and name. What is applied comes into force together or not at all; a watched file that is bad keeps
 * what it said before. The last writer wins: what is applied over HTTP holds until the watched file that also has it changes.
 * LIVING STATE behind immutable views.
 */
import type { ApplyResult, Problem, ResourceName } from '#api/resource.ts';
import type { Clock } from '#system/clock.ts';
import { parseFiles } from '../resources/parse-documents.ts';
import { hasErrors } from '../resources/problem.ts';
import type { ActiveKind, ResourceOf } from '../resources/resource.ts';
import { type AnyResource, firstOfEach, keyOf, labelOf, nameOf, notFound } from './identity.ts';
import { WatchedFiles } from './watched-files.ts';

/** One resource and what the store knows about it. */
export interface Stored<R extends AnyResource = AnyResource> {
  readonly resource: R;
  /** When this control plane first saw it, ms since the epoch: the older of two wins conflicts. */
  readonly createdAtMs: number;
  /** Order of creation where two came at the same time. */
  readonly sequence: number;
  /** Rises with each change of this resource. */
  readonly generation: number;
  /** Warnings and notes from its parser. */
  readonly problems: readonly Problem[];
}

/** The whole configuration at one version; never changes. Every list is oldest first. */
export interface StoreView {
  readonly version: number;
  readonly all: readonly Stored[];
  of<K extends ActiveKind>(kind: K): readonly Stored<ResourceOf<K>>[];
}

/** What was applied, ready to be written to a file: what watched files say is read from them again. */
export interface SavedConfig {
  readonly version: number;
  readonly resources: readonly (Pick<Stored, 'createdAtMs' | 'sequence' | 'generation'> & {
    readonly file: string;
    readonly line: number;
    readonly yaml: string;
  })[];
}

/** Judges a view that is about to come into force; its problems are warnings for whoever applied. */
export type Analyze = (view: StoreView) => readonly Problem[];

type Outcome = ApplyResult['applied'][number];

interface Change {
  readonly entries: ReadonlyMap<string, Stored>;
  readonly applied: readonly Outcome[];
  readonly problems: readonly Problem[];
  readonly dryRun: boolean;
}

const createView = (version: number, entries: Iterable<Stored>): StoreView => {
  const all = [...entries].sort((a, b) => a.createdAtMs - b.createdAtMs || a.sequence - b.sequence);
  return {
    version,
    all,
    of: <K extends ActiveKind>(kind: K) =>
      all.filter((entry) => entry.resource.kind === kind && !('inert' in entry.resource)) as unknown as readonly Stored<ResourceOf<K>>[],
  };
};

/** Holds the configuration in force. */
export class ConfigStore {
  readonly #clock: Clock;
  readonly #analyze: Analyze;
  readonly #listeners = new Set<(view: StoreView) => void>();
  readonly #watched = new WatchedFiles();
  #entries: ReadonlyMap<string, Stored> = new Map();
  #view: StoreView = createView(0, []);
  #sequence = 0;

  constructor(clock: Clock, analyze: Analyze = () => []) {
    this.#clock = clock;
    this.#analyze = analyze;
  }

  get version(): number {
    return this.#view.version;
  }

  /** Everything that is wrong now: watched files that are not in force as they stand, notes of what is, and what is wrong between resources. */
  get problems(): readonly Problem[] {
    return [...this.#watched.rejected, ...this.#view.all.flatMap(({ problems }) => problems), ...this.analysis];
  }

  /** What is wrong between the resources in force. */
  get analysis(): readonly Problem[] {
    return this.#analyze(this.#view);
  }

  view(): StoreView {
    return this.#view;
  }

  /** Called after each change, within the call that made it. Returns how to stop. */
  onChange(listener: (view: StoreView) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** files: name → YAML. With an error among the problems nothing changes. dryRun: only tell what would happen. */
  apply(files: Readonly<Record<string, string>>, options: { readonly dryRun?: boolean } = {}): ApplyResult {
    const { resources, problems } = parseFiles(files);
    const all = [...problems, ...firstOfEach(resources).problems];
    if (hasErrors(all)) return { applied: [], problems: all, version: this.version };
    const entries = new Map(this.#entries);
    const applied = resources.map((resource) => this.#put(entries, resource, problems));
    return this.#commit({ entries, applied, problems, dryRun: options.dryRun === true });
  }

  /** What does not exist is an error among the problems; the rest is deleted, as kubectl does. */
  remove(names: readonly ResourceName[]): ApplyResult {
    const found = names.map((name) => ({ name, key: this.#keyFor(name) }));
    return this.#delete(
      found.flatMap(({ key }) => key ?? []),
      found.filter(({ key }) => key === undefined).map(({ name }) => notFound(name)),
    );
  }

  /** Deletes what these documents name, whatever else they say; what does not exist is an error among the problems. */
  removeFiles(files: Readonly<Record<string, string>>): ApplyResult {
    const { resources, problems } = parseFiles(files);
    if (resources.length === 0 && hasErrors(problems)) return { applied: [], problems, version: this.version };
    const missing = resources.filter((resource) => !this.#entries.has(keyOf(resource))).map((resource) => notFound(nameOf(resource)));
    return this.#delete(resources.map(keyOf), missing);
  }

  /** Watched files changed: file → text, or undefined when it is gone. What they no longer name is deleted; all in one version. */
  replaceFiles(changed: ReadonlyMap<string, string | undefined>): ApplyResult {
    const before = this.#watched.wanted;
    const problems = this.#watched.update(changed);
    const { wanted } = this.#watched;
    const entries = new Map(this.#entries);
    const applied: Outcome[] = [];
    for (const [key, { origin }] of before) {
      const entry = entries.get(key);
      if (wanted.has(key) || entry?.resource.origin.file !== origin.file) continue;
      entries.delete(key);
      applied.push({ ...nameOf(entry.resource), outcome: 'deleted' });
    }
    for (const [key, resource] of wanted) if (before.get(key) !== resource) applied.push(this.#put(entries, resource, problems));
    return this.#commit({ entries, applied, problems, dryRun: false });
  }

  /** Where two groups have the word, the kind that this mesh acts on is meant. */
  #keyFor(name: ResourceName): string | undefined {
    const named = [...this.#entries].filter(([, { resource }]) => labelOf(nameOf(resource)) === labelOf(name));
    return (named.find(([, { resource }]) => !('inert' in resource)) ?? named[0])?.[0];
  }

  #delete(keys: readonly string[], problems: readonly Problem[]): ApplyResult {
    const entries = new Map(this.#entries);
    const applied = [...new Set(keys)].flatMap((key): Outcome[] => {
      const entry = entries.get(key);
      entries.delete(key);
      return entry ? [{ ...nameOf(entry.resource), outcome: 'deleted' }] : [];
    });
    return this.#commit({ entries, applied, problems, dryRun: false });
  }

  /** Everything in force that no watched file says. */
  save(): SavedConfig {
    const resources = [...this.#entries]
      .filter(([key, { resource }]) => this.#watched.wanted.get(key) !== resource)
      .map(([, { resource, createdAtMs, sequence, generation }]) => ({
        ...resource.origin,
        yaml: resource.yaml,
        createdAtMs,
        sequence,
        generation,
      }));
    return { version: this.version, resources };
  }

  /** Takes up where another store ended; gives the problems of what cannot be taken back. */
  restore({ version, resources }: SavedConfig): readonly Problem[] {
    const entries = new Map(this.#entries);
    const refused: Problem[] = [];
    for (const { file, line, yaml, ...age } of resources) {
      const { resource, problems } = parseAt(file, line, yaml);
      if (resource === undefined) refused.push(...problems);
      else entries.set(keyOf(resource), { ...age, resource, problems });
      this.#sequence = Math.max(this.#sequence, age.sequence + 1);
    }
    this.#entries = entries;
    this.#view = createView(Math.max(version, this.version), entries.values());
    for (const listener of this.#listeners) listener(this.#view);
    return refused;
  }

  #put(entries: Map<string, Stored>, resource: AnyResource, problems: readonly Problem[]): Outcome {
    const name = nameOf(resource);
    const own = problems.filter((problem) => problem.resource === labelOf(name) && problem.file === resource.origin.file);
    const known = this.#entries.get(keyOf(resource));
    const isSame = known?.resource.yaml === resource.yaml && known.resource.origin.file === resource.origin.file;
    if (known && isSame) {
      // Its line may have moved.
      entries.set(keyOf(resource), { ...known, resource, problems: own });
      return { ...name, outcome: 'unchanged' };
    }
    const born = known ?? { createdAtMs: this.#clock.wallTimeMs(), sequence: this.#sequence++, generation: 0 };
    const { createdAtMs, sequence, generation } = born;
    entries.set(keyOf(resource), { resource, createdAtMs, sequence, generation: generation + 1, problems: own });
    return { ...name, outcome: known ? 'configured' : 'created' };
  }

  #commit({ entries, applied, problems, dryRun }: Change): ApplyResult {
    const changed = applied.some(({ outcome }) => outcome !== 'unchanged');
    const next = createView(this.version + (changed ? 1 : 0), entries.values());
    const touched = new Set(applied.map(labelOf));
    const findings = this.#analyze(next).filter((problem) => touched.has(problem.resource));
    if (!dryRun) {
      this.#entries = entries;
      this.#view = next;
      if (changed) for (const listener of this.#listeners) listener(next);
    }
    return { applied, problems: [...problems, ...findings], version: dryRun ? this.version : next.version };
  }
}

/** One document as if it still stood at that line of that file. */
const parseAt = (file: string, line: number, yaml: string) => {
  // Comments before the document were kept with it.
  const ownLine = parseFiles({ [file]: yaml }).resources[0]?.origin.line ?? 1;
  const { resources, problems } = parseFiles({ [file]: '\n'.repeat(Math.max(0, line - ownLine)) + yaml });
  return { resource: resources[0], problems };
};
