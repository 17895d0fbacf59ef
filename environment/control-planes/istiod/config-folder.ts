/** LIVING STATE: the folder that istiod reads, one file a resource. Each change is there whole or not at all. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Document } from './without-kubernetes.ts';

const nameOf = ({ kind, metadata }: Document): string => `${kind}.${metadata.namespace}.${metadata.name}.yaml`;

const BIRTH_MS = Date.UTC(2026, 0, 1);

/** Files of one istiod. */
export class ConfigFolder {
  readonly directory: string;
  readonly #files = new Map<string, string>();
  /** When each was first written, in seconds since the first: age decides between rules, and files have none of their own. */
  readonly #ages = new Map<string, number>();
  #writes = 0;

  constructor(directory: string) {
    this.directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  /** Gives what takes it back. */
  put(documents: readonly Document[]): () => void {
    const before = documents.map((document) => [nameOf(document), this.#files.get(nameOf(document))] as const);
    for (const document of documents) this.#write(nameOf(document), JSON.stringify(this.#dated(document)));
    return () => {
      for (const [name, text] of before) this.#write(name, text);
    };
  }

  #dated(document: Document): Document {
    const name = nameOf(document);
    const age = this.#ages.get(name) ?? ++this.#writes;
    this.#ages.set(name, age);
    const creationTimestamp = new Date(BIRTH_MS + age * 1000).toISOString().replace('.000', '');
    return { ...document, metadata: { ...document.metadata, creationTimestamp } };
  }

  remove(documents: readonly Document[]): void {
    for (const document of documents) this.#write(nameOf(document), undefined);
  }

  /** JSON is YAML, without its traps. */
  #write(name: string, text: string | undefined): void {
    const path = join(this.directory, name);
    if (text === undefined) {
      this.#files.delete(name);
      this.#ages.delete(name);
      rmSync(path, { force: true });
      return;
    }
    if (this.#files.get(name) === text) return;
    this.#files.set(name, text);
    // Beside the folder: istiod looks at every file in it, and would see half of one, or one that is gone.
    const fresh = `${this.directory}.new`;
    writeFileSync(fresh, text, { mode: 0o600 });
    renameSync(fresh, path);
  }
}
