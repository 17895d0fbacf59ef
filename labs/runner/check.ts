/** Checks a step: its own claims and those of the steps before it, each a conformance case on the learner's mesh. */
import type { Lab, LabStep } from '../lab.ts';
import type { Round } from './progress.ts';

/** What a case said. */
export interface CaseVerdict {
  readonly id: string;
  readonly passed: boolean;
  /** Empty when it passed; else what was expected and what happened. */
  readonly reason: string;
  readonly ms: number;
}

/** Verdicts of a step, in the order in which they ran. */
export interface StepVerdict {
  readonly passed: boolean;
  readonly verdicts: readonly CaseVerdict[];
  /** Where the configuration is not what the step wants; only looked for when something failed. */
  readonly causes: readonly string[];
  /** Who answered the requests that the cases sent. */
  readonly answered: Round;
}

/** What a check needs of the mesh. */
export interface CheckedMesh {
  /** Runs one case. */
  run(id: string): Promise<CaseVerdict>;
  /** Where the configuration is not what the step wants. */
  causes(): Promise<readonly string[]>;
  /** Starts counting who answers the cases' requests; gives the way to end it. */
  count(): () => Round;
}

/** Cases that hold at that step: its own, after those of every earlier step. */
export const claimsUpTo = (lab: Lab, stepId: string): readonly string[] => {
  const index = lab.steps.findIndex((step) => step.id === stepId);
  return [...new Set(lab.steps.slice(0, index + 1).flatMap((step) => step.claims))];
};

/** Each step up to that one that claims something, and whether all its claims held. */
export const checkedSteps = (
  lab: Lab,
  stepId: string,
  { verdicts }: Pick<StepVerdict, 'verdicts'>,
): readonly (readonly [LabStep, boolean])[] => {
  const held = new Set(verdicts.filter(({ passed }) => passed).map(({ id }) => id));
  return lab.steps
    .slice(0, lab.steps.findIndex((step) => step.id === stepId) + 1)
    .filter(({ claims }) => claims.length > 0)
    .map((step) => [step, step.claims.every((id) => held.has(id))] as const);
};

/** Runs them one after another: two cases at once would count each other's requests. */
export const checkStep = async (lab: Lab, stepId: string, mesh: CheckedMesh): Promise<StepVerdict> => {
  const counted = mesh.count();
  const verdicts: CaseVerdict[] = [];
  for (const id of claimsUpTo(lab, stepId)) verdicts.push(await mesh.run(id));
  const passed = verdicts.every((verdict) => verdict.passed);
  return { passed, verdicts, answered: counted(), causes: passed ? [] : await mesh.causes() };
};
