/** The labs in their order, and what a lab is: data. Text lives beside it in lab.md, YAML in the same folder. */
import { firstRequest } from './01-first-request/lab.ts';
import { canary } from './02-canary/lab.ts';
import { headerRouting } from './03-header-routing/lab.ts';
import { timeoutsRetries } from './04-timeouts-retries/lab.ts';
import { circuitBreaker } from './05-circuit-breaker/lab.ts';
import { outlierEjection } from './06-outlier-ejection/lab.ts';
import { loadBalancing } from './07-load-balancing/lab.ts';
import { mutualTlsOnTheWire } from './08-mtls-on-the-wire/lab.ts';
import { strict } from './09-strict/lab.ts';
import { authorization } from './10-authorization/lab.ts';
import { rotation } from './11-rotation/lab.ts';
import type { Lab } from './lab.ts';

export type { Lab, LabEvent, LabSend, LabStage, LabStep, Prediction } from './lab.ts';

/** Every lab, in the order in which they are taken. */
export const LABS: readonly Lab[] = [
  firstRequest,
  canary,
  headerRouting,
  timeoutsRetries,
  circuitBreaker,
  outlierEjection,
  loadBalancing,
  mutualTlsOnTheWire,
  strict,
  authorization,
  rotation,
];

export { type CaseVerdict, type CheckedMesh, checkedSteps, checkStep, claimsUpTo, type StepVerdict } from './runner/check.ts';
export { differences, type LabWorld } from './runner/differences.ts';
export { type Progress, type Round, readProgress, readStep, type StepProgress } from './runner/progress.ts';
export { type KeptResource, type ResourceStore, resetTo } from './runner/reset.ts';
export {
  calibrationWords,
  cameTrue,
  countRound,
  countTries,
  currentStep,
  doneSteps,
  isDone,
  isRevealed,
  isStepsOwn,
  isTelling,
  keyOf,
  lockOf,
  observedOf,
  outcomeWords,
  roundOf,
  sentTries,
  serviceOf,
  type TriedCall,
} from './runner/steps.ts';
export { type LabText, readLabText, type StepText } from './text.ts';
export { bytesOf, type ShownCertificate, type WireBytes, type WireCapture, type WireStory } from './wire/capture.ts';
export { type Frame, filmOf, requestRecord } from './wire/film.ts';
export { type HexRow, hexRows, type Mark, marksOf, printableShare } from './wire/hex.ts';
