/** What the learner has reached; the server keeps it in a file. */
import { signal } from '@preact/signals';
import type { Lab, LabStep, Progress, StepProgress } from '#labs';
import { get, post } from './api.ts';

/** `02-canary#ten` → what was reached. */
export const progress = signal<Progress>({});
/** False until the server has told it: before that a page cannot know which step is next. */
export const progressKnown = signal(false);

/** Reads it again: the terminal writes to it too. */
export const openProgress = async (): Promise<void> => {
  try {
    progress.value = await get<Progress>('/labs/progress');
  } catch {
    // Nothing is lost: what is reached now is kept in the page, and the frame says that the mesh is away.
  }
  progressKnown.value = true;
};

/** What was reached in a step. */
export const reachedIn = (lab: Lab, step: LabStep): StepProgress | undefined => progress.value[`${lab.id}#${step.id}`];

/** Adds to one step; a failure to store keeps it in the page. */
export const reach = (lab: Lab, step: LabStep, fresh: StepProgress): void => {
  const key = `${lab.id}#${step.id}`;
  progress.value = { ...progress.value, [key]: { ...progress.value[key], ...fresh } };
  post(`/labs/${lab.id}/steps/${step.id}/progress`, fresh).catch(() => undefined);
};
