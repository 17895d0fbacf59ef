/**
 * What people configured, by kind, namespace and name. All or nothing: files apply together or not at all, so the last good state is always whole.
 * LIVING STATE behind immutable views.
 */
import type { ApplyResult, Problem, ResourceName } from '#api/resource.ts';
import type { Clock } from '#system/clock.ts';
import { parseFiles } from '../resources/parse-documents.ts';
import { hasErrors } from '../resources/problem.ts';
import type { ActiveKind, ActiveResource, InertResource, ResourceOf } from '../resources/resource.ts';

/** One resource and what the store knows about it. */
export interface Stored<R extends ActiveResource | InertResource = ActiveResource | InertResource> {
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

/** Judges a view that is about to come into force; its problems are warnings for whoever applied. */
export type Analyze = (view: StoreView) => readonly Problem[];

const keyOf = ({ kind, namespace, name }: ResourceName): string => `${kind} ${namespace}/${name}`;

const nameOf = (resource: ActiveResource | InertResource): ResourceName => ({
  kind: resource.kind,
  namespace: resource.metadata.namespace,
  name: resource.metadata.name,
});

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
    const twice = findTwice(resources);
    if (hasErrors(problems) || twice.length > 0) return { applied: [], problems: [...problems, ...twice], version: this.version };
    const entries = new Map(this.#entries);
    const applied = resources.map((resource) => this.#put(entries, resource, problems));
    return this.#commit(entries, applied, problems, options.dryRun === true);
  }

  /** Names that do not exist are reported as errors, and then nothing is deleted. */
  remove(names: readonly ResourceName[]): ApplyResult {
    const missing = names.filter((name) => !this.#entries.has(keyOf(name)));
    if (missing.length > 0) return { applied: [], problems: missing.map(notFound), version: this.version };
    const entries = new Map(this.#entries);
    for (const name of names) entries.delete(keyOf(name));
    return this.#commit(
      entries,
      names.map((name) => ({ ...name, outcome: 'deleted' as const })),
      [],
      false,
    );
  }

  /** Deletes what these documents name, whatever else they say. */
  removeFiles(files: Readonly<Record<string, string>>): ApplyResult {
    const { resources, problems } = parseFiles(files);
    return resources.length === 0 && hasErrors(problems)
      ? { applied: [], problems, version: this.version }
      : this.remove(resources.map(nameOf));
  }

  /** Replaces what a file said before by what it says now: what it no longer names is deleted. */
  replaceFile(file: string, text: string): ApplyResult {
    const { resources, problems } = parseFiles({ [file]: text });
    const twice = findTwice(resources);
    if (hasErrors(problems) || twice.length > 0) return { applied: [], problems: [...problems, ...twice], version: this.version };
    const wanted = new Set(resources.map((resource) => keyOf(nameOf(resource))));
    const entries = new Map(this.#entries);
    const gone = [...entries].filter(([key, entry]) => entry.resource.origin.file === file && !wanted.has(key));
    for (const [key] of gone) entries.delete(key);
    const applied = resources.map((resource) => this.#put(entries, resource, problems));
    const deleted = gone.map(([, entry]) => ({ ...nameOf(entry.resource), outcome: 'deleted' as const }));
    return this.#commit(entries, [...applied, ...deleted], problems, false);
  }

  #put(
    entries: Map<string, Stored>,
    resource: ActiveResource | InertResource,
    problems: readonly Problem[],
  ): ApplyResult['applied'][number] {
    const name = nameOf(resource);
    const known = entries.get(keyOf(name));
    const own = problems.filter((problem) => problem.resource === keyOf(name));
    if (known && known.resource.yaml === resource.yaml && known.resource.origin.file === resource.origin.file) {
      entries.set(keyOf(name), { ...known, resource: known.resource.origin.line === resource.origin.line ? known.resource : resource });
      return { ...name, outcome: 'unchanged' };
    }
    const born = known ?? { createdAtMs: this.#clock.wallTimeMs(), sequence: this.#sequence++, generation: 0 };
    entries.set(keyOf(name), {
      resource,
      createdAtMs: born.createdAtMs,
      sequence: born.sequence,
      generation: born.generation + 1,
      problems: own,
    });
    return { ...name, outcome: known ? 'configured' : 'created' };
  }

  #commit(
    entries: ReadonlyMap<string, Stored>,
    applied: ApplyResult['applied'],
    problems: readonly Problem[],
    dryRun: boolean,
  ): ApplyResult {
    const changed = applied.some(({ outcome }) => outcome !== 'unchanged');
    const next = createView(this.version + (changed ? 1 : 0), entries.values());
    const touched = new Set(applied.map(keyOf));
    const findings = this.#analyze(next).filter((problem) => touched.has(problem.resource));
    if (!dryRun) {
      this.#entries = entries;
      this.#view = next;
      if (changed) for (const listener of this.#listeners) listener(next);
    }
    return { applied, problems: [...problems, ...findings], version: dryRun ? this.version : next.version };
  }
}

const findTwice = (resources: readonly (ActiveResource | InertResource)[]): Problem[] => {
  const seen = new Set<string>();
  return resources.flatMap((resource) => {
    const key = keyOf(nameOf(resource));
    if (!seen.has(key)) {
      seen.add(key);
      return [];
    }
    const { file, line } = resource.origin;
    return [
      {
        severity: 'error' as const,
        code: 'IST0106',
        resource: key,
        path: 'metadata.name',
        message: 'the same resource stands twice in what is applied',
        file,
        line,
        column: 1,
      },
    ];
  });
};

const notFound = (name: ResourceName): Problem => ({
  severity: 'error',
  code: '',
  resource: keyOf(name),
  path: '',
  message: 'not found',
  file: '',
  line: 1,
  column: 1,
});
