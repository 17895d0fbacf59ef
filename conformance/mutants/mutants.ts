/** Switched-on bugs: one wrong behaviour each, as a change of source text at load time. The case that names a mutant must catch it. */
import { CONTROL_PLANE_MUTANTS } from './control-plane.ts';
import { DATA_PLANE_MUTANTS } from './data-plane.ts';
import { TRANSLATION_MUTANTS } from './translation.ts';

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

/** Every mutant. */
export const MUTANTS: readonly Mutant[] = [...CONTROL_PLANE_MUTANTS, ...TRANSLATION_MUTANTS, ...DATA_PLANE_MUTANTS];
