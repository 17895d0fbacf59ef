/** What the learner has reached; the server keeps it in a file. */
import { signal } from '@preact/signals';
import type { Progress, StepProgress } from '#labs';
import { get, put } from './api.ts';

/** `02-canary#ten` → what was reached. */
export const progress = signal<Progress>({});

let opened = false;

/** Reads it once. */
export const openProgress = (): void => {
  if (opened) return;
  opened = true;
  get<Progress>('/labs/progress').then(
    (stored) => {
      progress.value = { ...stored, ...progress.value };
    },
    () => {
      opened = false;
    },
  );
};

/** Adds to one step and stores the whole; a failure to store keeps it in the page. */
export const reach = (key: string, fresh: StepProgress): void => {
  progress.value = { ...progress.value, [key]: { ...progress.value[key], ...fresh } };
  put('/labs/progress', progress.value).catch(() => undefined);
};

/** Forgets one lab's steps. */
export const forget = (lab: string): void => {
  progress.value = Object.fromEntries(Object.entries(progress.value).filter(([key]) => !key.startsWith(`${lab}#`)));
  put('/labs/progress', progress.value).catch(() => undefined);
};
