/** LIVING STATE: tokens whose signature was found good, by hash, so that the dear part of a verification is done once a token and key set. */
import type { KeySet } from './key-set.ts';

const hash = (text: string): string => process.getBuiltinModule('node:crypto').createHash('sha256').update(text).digest('base64');

/** The least recently used go first. Nothing of a token is kept but its SHA-256, so a dump of memory shows none. */
export class VerifiedTokens {
  readonly #most: number;
  readonly #known = new Map<string, KeySet>();

  constructor(most: number) {
    this.#most = most;
  }

  /** A set that has been replaced proves nothing any more. */
  knows(text: string, set: KeySet): boolean {
    const name = hash(text);
    const known = this.#known.get(name) === set;
    this.#known.delete(name);
    if (known) this.#known.set(name, set);
    return known;
  }

  add(text: string, set: KeySet): void {
    this.#known.set(hash(text), set);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= this.#most) break;
      this.#known.delete(oldest);
    }
  }
}
