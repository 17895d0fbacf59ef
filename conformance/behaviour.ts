/** What a documented behaviour is. */
import type { CaseId } from './registry.ts';

/** One documented behaviour. open: why no case proves it yet. */
export interface Behaviour {
  readonly id: string;
  readonly says: string;
  readonly cases: readonly CaseId[];
  readonly open?: string;
}

/** One that cases prove. */
export const proved = (id: string, says: string, ...cases: readonly CaseId[]): Behaviour => ({ id, says, cases });

/** One that no case proves; why: the reason. */
export const open = (id: string, says: string, why: string): Behaviour => ({ id, says, cases: [], open: why });
