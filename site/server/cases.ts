/** Conformance cases as the site offers them: a list, and one run at a time on this mesh. */
import type { CaseVerdict } from '#labs';

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

/** The suite on one mesh. */
export interface Suite {
  readonly cases: readonly CaseRow[];
  /** Runs one case on the mesh as it is configured now, without applying anything. Rejects or gives a failed verdict; both are shown. */
  run(id: string): Promise<CaseVerdict>;
}

/** The cases of this mesh. */
export interface Cases {
  list(): Promise<readonly CaseRow[]>;
  /** Waits for an earlier run to end: two at once would count each other's requests. */
  run(id: string): Promise<CaseVerdict>;
}

/** Takes exactly the fields of a row: a case also has functions. */
const rowOf = ({ id, claim, source, profile, apply, labs }: CaseRow): CaseRow => ({ id, claim, source, profile, apply, labs });

/** open: called once, when somebody first asks. */
export const openCases = (open: () => Promise<Suite>): Cases => {
  let opened: Promise<Suite> | undefined;
  const suite = () => {
    opened ??= open();
    return opened;
  };
  let before: Promise<unknown> = Promise.resolve();
  const runOne = async (id: string): Promise<CaseVerdict> => {
    const startedAtMs = performance.now();
    try {
      return await (await suite()).run(id);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { id, passed: false, reason, ms: Math.round(performance.now() - startedAtMs) };
    }
  };
  return {
    list: async () => (await suite()).cases.map(rowOf),
    run: (id) => {
      const verdict = before.then(() => runOne(id));
      before = verdict;
      return verdict;
    },
  };
};
