/** What an analyzer says. */
import type { Complaint } from '../resources/problem.ts';
import type { ActiveResource } from '../resources/resource.ts';
import type { StoreView } from '../store/config-store.ts';

/** A complaint and the resource that it is about. */
export interface Finding extends Complaint {
  readonly about: ActiveResource;
}

/** Looks at a whole view. Pure. */
export type Analyzer = (view: StoreView) => readonly Finding[];
