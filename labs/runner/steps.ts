/** Where a learner stands: which step is next, what still locks it, and how a prediction came out. Pure, and the same in the page and in the terminal. */
import type { Lab, LabSend, LabStep } from '../lab.ts';
import type { Progress, Round, StepProgress } from './progress.ts';

/** Key of a step in the progress record. */
export const keyOf = (lab: Lab, step: LabStep): string => `${lab.id}#${step.id}`;

/** True once the step's requests were sent: from then on its outcome is shown. */
export const isRevealed = (reached: StepProgress | undefined): boolean => (reached?.rounds?.length ?? 0) > 0;

/** True when it was sent and, where there is something to prove, the last check held. */
export const isDone = (step: LabStep, reached: StepProgress | undefined): boolean =>
  isRevealed(reached) && (step.claims.length === 0 || reached?.checked === true);

/** Steps of a lab that are done. */
export const doneSteps = (lab: Lab, progress: Progress): readonly LabStep[] =>
  lab.steps.filter((step) => isDone(step, progress[keyOf(lab, step)]));

/** The first step that is not done; the last one when all are. */
export const currentStep = (lab: Lab, progress: Progress): LabStep | undefined =>
  lab.steps.find((step) => !isDone(step, progress[keyOf(lab, step)])) ?? lab.steps.at(-1);

/** Why the step's requests must wait; empty when they need not. */
export const lockOf = (step: LabStep, reached: StepProgress | undefined): string => {
  if (reached?.predicted === undefined) return 'Answer the question first.';
  return step.apply !== undefined && reached.applied !== true ? `Apply ${step.apply} first.` : '';
};

/** Answers of one round, counted. */
export const countRound = (answers: readonly { readonly servedBy: string }[]): Round =>
  Object.fromEntries([...Map.groupBy(answers, ({ servedBy }) => servedBy)].map(([who, list]) => [who, list.length]));

/** As much of a call as its tries are counted by. */
export interface TriedCall {
  readonly side: string;
  /** Workload or service that it was for. */
  readonly to: string;
  readonly attempts: number;
  /** Of each try; a try without a host never left the caller's proxy. */
  readonly attemptLog: readonly { readonly host?: string }[];
}

/** Service of a workload: `reviews-v2` → `reviews`. */
export const serviceOf = (workload: string): string => workload.replace(/-v\d+$/, '');

/** Tries that left a caller's proxy. */
export const sentTries = ({ attempts, attemptLog }: TriedCall): number =>
  attemptLog.length === 0 ? attempts : attemptLog.filter(({ host }) => host !== undefined).length;

/** Tries by the service that they went to. */
export const countTries = (calls: readonly TriedCall[]): Round => {
  const round: Record<string, number> = {};
  for (const call of calls) {
    if (call.side === 'inbound') continue;
    const service = serviceOf(call.to);
    round[service] = (round[service] ?? 0) + sentTries(call);
  }
  return round;
};

/** What a step makes of what came back: tries where those are drawn, else answers. */
export const roundOf = (
  { stage }: LabStep,
  answers: readonly { readonly servedBy: string }[],
  calls: readonly TriedCall[] | undefined,
): Round => (stage.kind === 'tries' ? countTries(calls ?? []) : countRound(answers));

/** True when that is what the step asks about; a learner may send anything else, but it says nothing about her prediction. */
export const isStepsOwn = ({ send }: LabStep, order: LabSend): boolean => {
  const text = ({ from, url, headers, count }: LabSend): string => JSON.stringify([from, url, Object.entries(headers).sort(), count]);
  return text(order) === text(send);
};

/** False when the round shows nothing of what the step is about: nobody answered, or somebody did where the step is about a refusal. */
export const isTelling = ({ stage }: LabStep, answers: readonly { readonly servedBy: string; readonly status: number }[]): boolean => {
  if (stage.kind === 'verdict' || stage.kind === 'held') return true;
  if (stage.kind === 'tries') return answers.some(({ status }) => status !== 0);
  return stage.kind === 'outsider' && stage.expects === 'refusal'
    ? answers.every(({ status }) => status === 0)
    : answers.some(({ servedBy }) => servedBy !== '');
};

/** What the first round brought, where that can be counted. */
export const observedOf = ({ predict }: LabStep, reached: StepProgress | undefined): number | undefined => {
  const first = reached?.rounds?.[0];
  return predict.kind === 'count' && first !== undefined ? (first[predict.counted] ?? 0) : undefined;
};

/** Whether the prediction came true; undefined while that is open. */
export const cameTrue = (step: LabStep, reached: StepProgress | undefined): boolean | undefined => {
  if (reached?.predicted === undefined || !isRevealed(reached)) return undefined;
  return reached.predicted === (step.predict.kind === 'choice' ? step.predict.answer : observedOf(step, reached));
};

/** How the prediction came out, in one sentence; empty while that is open. */
export const outcomeWords = (step: LabStep, reached: StepProgress | undefined): string => {
  const right = cameTrue(step, reached);
  if (right === undefined) return '';
  if (step.predict.kind === 'choice')
    return `${right ? 'As you said' : 'Not so; it is'}: ${step.predict.options[step.predict.answer] ?? ''}.`;
  const observed = observedOf(step, reached);
  return right ? `You said ${observed}, and ${observed} it was.` : `You said ${reached?.predicted}; it was ${observed}.`;
};

/** How many predictions came true, over all labs; empty before the first. */
export const calibrationWords = (labs: readonly Lab[], progress: Progress): string => {
  const ends = labs
    .flatMap((lab) => lab.steps.map((step) => cameTrue(step, progress[keyOf(lab, step)])))
    .filter((end) => end !== undefined);
  const right = ends.filter((end) => end).length;
  return ends.length === 0 ? '' : `Of ${ends.length} predictions ${right} came true. A wrong one is where something was learnt.`;
};
