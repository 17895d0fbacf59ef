/** What a mutant is. */

/** `find` must stand exactly once in `file`. */
export interface Mutant {
  readonly id: string;
  /** The wrong behaviour in words. */
  readonly wrong: string;
  /** Path from the root. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}
