/** Conformance cases as the site offers them: a list, and one run at a time on this mesh. */
import type { CaseVerdict } from '#labs';
import type { LiveMesh } from './live-mesh.ts';

/** One case on the page. */
export interface CaseRow {
  readonly id: string;
  readonly claim: string;
  readonly source: string;
  readonly profile: string;
  /** YAML that the case expects in force. */
  readonly apply: string;
  readonly labs: readonly string[];
}

/** The cases of this mesh. */
export interface Cases {
  list(): readonly CaseRow[];
  /** Runs one on the mesh as it is configured now; waits for an earlier one to end. */
  run(id: string): Promise<CaseVerdict>;
  close(): void;
}

/** How one case is run; a front door of the conformance suite. */
export type RunCase = (id: string) => Promise<CaseVerdict>;

/** Opens the suite on a mesh. */
export const openCases = async (mesh: LiveMesh): Promise<Cases> => {
  void mesh;
  let queue: Promise<unknown> = Promise.resolve();
  return {
    list: () => [],
    run: (id) => {
      const verdict = queue.then(async (): Promise<CaseVerdict> => ({ id, passed: false, reason: 'There is no such case.', ms: 0 }));
      queue = verdict;
      return verdict;
    },
    close: () => undefined,
  };
};
