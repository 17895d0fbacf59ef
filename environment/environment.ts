/** Front door: brings a whole mesh up, in any mode, and describes it while it runs. */
import type { Mode, StartMode } from './mode.ts';

export { bookinfo } from './bookinfo.ts';
export { composeMissing } from './compose/engine.ts';
export { type ControlPlaneClient, controlPlaneClient, type Files } from './control-plane-client.ts';
export { istiodMissing } from './control-planes/istiod/binary.ts';
export { converged } from './convergence.ts';
export { envoyBinary, envoyMissing, findDataPlane } from './data-planes/data-plane.ts';
export { advanceMesh, readAheadMs } from './mesh-clock.ts';
export type {
  ControlPlaneName,
  DataPlaneName,
  Environment,
  EnvironmentOptions,
  Mode,
  RunningGateway,
  RunningWorkload,
  StartMode,
} from './mode.ts';
export { type RunFile, readRunFiles, writeRunFile } from './run-file.ts';

/** Imported when asked for: verbs that only look need neither gRPC nor a control plane. */
const MODES: Readonly<Record<Mode, StartMode>> = {
  process: async (definition, options) => (await import('./modes/process.ts')).startProcessMode(definition, options),
  compose: async (definition, options) => (await import('./modes/compose.ts')).startComposeMode(definition, options),
  simulation: async (definition, options) => (await import('./modes/simulation.ts')).startSimulationMode(definition, options),
};

/** Brings a mesh up and settles when every proxy is ready. Rejects when that mode cannot run it. */
export const startEnvironment: StartMode = (definition, options) => MODES[options.mode](definition, options);
