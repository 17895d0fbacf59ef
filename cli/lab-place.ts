/** Which lab and which step a word means; the nearest names when it means none. */
import { currentStep, doneSteps, type Lab, type LabStep, type Progress } from '#labs';

/** Of the letters that were typed, this share may differ, and two always. */
const MAX_DISTANCE = 0.34;

/** Least number of letters put in, left out or changed. */
const distance = (left: string, right: string): number => {
  let above = Array.from({ length: right.length + 1 }, (_, i) => i);
  for (let i = 1; i <= left.length; i++) {
    const row = [i];
    for (let j = 1; j <= right.length; j++) {
      const changed = (above[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      row.push(Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, changed));
    }
    above = row;
  }
  return above[right.length] ?? 0;
};

/** `02-canary`, `canary`, `2`. */
const namesOf = (id: string, number: number): readonly string[] => [id, id.replace(/^\d+-/, ''), String(number)];

interface Named {
  readonly id: string;
  /** Of a lab; a step's is its place. */
  readonly number?: number;
}

/** what: `lab` or `step`, for the words of the error. */
const chosen = <T extends Named>(what: string, word: string, all: readonly T[]): T => {
  const found = all.find(({ id, number }, index) => namesOf(id, number ?? index + 1).includes(word));
  if (found !== undefined) return found;
  const near = all.filter(({ id }) =>
    namesOf(id, 0).some(
      (name) =>
        name.includes(word) || (name.length > 2 && word.includes(name)) || distance(name, word) <= Math.max(2, word.length * MAX_DISTANCE),
    ),
  );
  const choice = (near.length > 0 ? near : all).map(({ id }) => id).join(', ');
  throw new Error(`no ${what} called ${word}; ${near.length > 0 ? 'did you mean' : 'there are'} ${choice}${near.length > 0 ? '?' : ''}`);
};

/** The lab of that name or number; without one, the first that is not done. */
export const chooseLab = (labs: readonly Lab[], word: string | undefined, progress: Progress): Lab => {
  if (word !== undefined) return chosen('lab', word, labs);
  const open = labs.find((lab) => doneSteps(lab, progress).length < lab.steps.length) ?? labs.at(-1);
  if (open === undefined) throw new Error('there is no lab');
  return open;
};

/** The step of that name or number; without one, the first that is not done. */
export const chooseStep = (lab: Lab, word: string | undefined, progress: Progress): LabStep => {
  if (word !== undefined) return chosen('step', word, lab.steps);
  const step = currentStep(lab, progress);
  if (step === undefined) throw new Error(`lab ${lab.id} has no steps`);
  return step;
};
