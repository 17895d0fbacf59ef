/** Switched-on bugs: one wrong behaviour each, as a change of source text at load time. The case that names a mutant must catch it. */
import { AUTHORIZATION_MUTANTS } from './authorization.ts';
import { CONTROL_PLANE_MUTANTS } from './control-plane.ts';
import { DATA_PLANE_MUTANTS } from './data-plane.ts';
import { EXTERNAL_MUTANTS } from './external.ts';
import type { Mutant } from './mutant.ts';
import { MUTUAL_TLS_MUTANTS } from './mutual-tls.ts';
import { RESILIENCE_MUTANTS } from './resilience.ts';
import { ROTATION_MUTANTS } from './rotation.ts';
import { TOKEN_MUTANTS } from './tokens.ts';
import { TRANSLATION_MUTANTS } from './translation.ts';

/** Every mutant. */
export const MUTANTS: readonly Mutant[] = [
  ...CONTROL_PLANE_MUTANTS,
  ...TRANSLATION_MUTANTS,
  ...DATA_PLANE_MUTANTS,
  ...RESILIENCE_MUTANTS,
  ...AUTHORIZATION_MUTANTS,
  ...TOKEN_MUTANTS,
  ...MUTUAL_TLS_MUTANTS,
  ...ROTATION_MUTANTS,
  ...EXTERNAL_MUTANTS,
];
