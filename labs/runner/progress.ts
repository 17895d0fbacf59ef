/** What a learner has reached: a small record, readable from any source. */

/** One round of a step's requests: workload that answered → how often. Empty name: the mesh itself, or nobody. */
export type Round = Readonly<Record<string, number>>;

/** What was reached in one step. */
export interface StepProgress {
  /** Index of the option, or the number given. */
  readonly predicted?: number;
  /** Each time the step's own requests were sent, oldest first. The first round is what was predicted. */
  readonly rounds?: readonly Round[];
  readonly applied?: boolean;
  /** How its last check ended. */
  readonly checked?: boolean;
  readonly hints?: number;
}

/** `02-canary#ten` → what was reached. */
export type Progress = Readonly<Record<string, StepProgress>>;

const KEY = /^[\w-]{1,60}#[\w-]{1,60}$/;
const WORKLOAD = /^[\w.-]{0,80}$/;
const MAX_STEPS = 500;
const MAX_ROUNDS = 30;

const readRound = (value: unknown): Round =>
  typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).filter(([name, count]) => WORKLOAD.test(name) && Number.isSafeInteger(count) && count > 0))
    : {};

/** Keeps only what a step may hold. */
export const readStep = (value: unknown): StepProgress => {
  const given = new Map<string, unknown>(typeof value === 'object' && value !== null ? Object.entries(value) : []);
  const numbers = ['predicted', 'hints'].filter((name) => Number.isFinite(given.get(name)));
  const flags = ['applied', 'checked'].filter((name) => typeof given.get(name) === 'boolean');
  const rounds = given.get('rounds');
  return {
    ...Object.fromEntries([...numbers, ...flags].map((name) => [name, given.get(name)])),
    // The first stays, whatever else goes: it is what the prediction was about.
    ...(Array.isArray(rounds) ? { rounds: [...rounds.slice(0, 1), ...rounds.slice(1).slice(1 - MAX_ROUNDS)].map(readRound) } : {}),
  };
};

/** Keeps only what a progress record may hold, so that a foreign or damaged one cannot do harm. */
export const readProgress = (value: unknown): Progress => {
  if (typeof value !== 'object' || value === null) return {};
  const entries = Object.entries(value).filter(([key]) => KEY.test(key));
  return Object.fromEntries(entries.slice(0, MAX_STEPS).map(([key, step]) => [key, readStep(step)]));
};
