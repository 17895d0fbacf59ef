/** A DENY that comes and goes under load: no call that began after its acknowledgement may be let through, and none be refused once its removal is acknowledged. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment } from '#environment';
import { type Call, Load } from './load.ts';
import { flowing } from './mesh-time.ts';
import { asText, type Outcome, type SoakOptions } from './outcome.ts';
import { RING, soakMesh } from './soak-mesh.ts';

const FLIPS = 1_000;
const TOLD_EVERY = 50;
const PAUSE_MS = 2;
/** Each state is held until so many calls began and ended in it. */
const CALLS_PER_STATE = RING.length;

const DENY = `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: flip
  namespace: default
spec:
  action: DENY
  rules:
  - from:
    - source: { principals: ["cluster.local/ns/default/sa/*"] }
`;

/** From an acknowledgement until the next change began. Milliseconds of performance.now(). */
export interface State {
  readonly denies: boolean;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** What calls say of the states that they fell into. */
export interface FlipFigures {
  readonly calls: number;
  /** Began and ended within one state. */
  readonly definite: number;
  readonly allowedUnderDeny: number;
  readonly deniedWithoutDeny: number;
  /** Neither 200 nor 403, whenever. */
  readonly otherwise: readonly Call[];
}

/** states: in their order. */
export const judge = (calls: readonly Call[], states: readonly State[]): FlipFigures => {
  let definite = 0;
  let allowedUnderDeny = 0;
  let deniedWithoutDeny = 0;
  let at = 0;
  for (const { beganMs, endedMs, status } of calls.toSorted((a, b) => a.beganMs - b.beganMs)) {
    while (at < states.length && (states[at] as State).untilMs < beganMs) at++;
    const state = states[at];
    if (state === undefined || beganMs < state.fromMs || endedMs > state.untilMs) continue;
    definite++;
    if (state.denies && status === 200) allowedUnderDeny++;
    if (!state.denies && status === 403) deniedWithoutDeny++;
  }
  const otherwise = calls.filter(({ status }) => status !== 200 && status !== 403);
  return { calls: calls.length, definite, allowedUnderDeny, deniedWithoutDeny, otherwise };
};

const sumOf = ({ definite, allowedUnderDeny, deniedWithoutDeny, otherwise }: FlipFigures): string =>
  `${definite} calls judged, ${allowedUnderDeny} wrongly let through, ${deniedWithoutDeny} wrongly refused, ${otherwise.length} failed`;

/** Holds until enough calls began after that moment and are over. */
const held = async (load: Load, fromMs: number): Promise<void> => {
  const seen = (): number => {
    let count = 0;
    for (let at = load.calls.length - 1; at >= 0 && (load.calls[at] as Call).endedMs >= fromMs; at--)
      if ((load.calls[at] as Call).beganMs >= fromMs) count++;
    return count;
  };
  while (seen() < CALLS_PER_STATE) await sleep(PAUSE_MS);
};

const flip = async (mesh: Environment, denies: boolean): Promise<void> => {
  if (!denies) return mesh.waitForVersion((await mesh.deleteYaml(DENY)).version);
  const { problems, version } = await mesh.applyYaml(DENY);
  if (problems.length > 0) throw new Error(problems.join('; '));
  await mesh.waitForVersion(version);
};

/** 1,000 times on and off. */
export const flips = async ({ print, scale, rate, driver }: SoakOptions): Promise<Outcome> => {
  await using mesh = await soakMesh(driver === 'simulation' ? 'simulation' : 'processes');
  using _time = flowing(mesh);
  await using load = await Load.begin(mesh, rate);
  const states: State[] = [];
  const startedMs = performance.now();
  const count = Math.max(1, Math.round(FLIPS * scale));
  let acknowledgedMs = 0;
  const tell = (turn: number): void => {
    const soFar = judge(load.calls, states);
    for (const line of [`${turn} of ${count}: ${sumOf(soFar)}`, ...asText(soFar.otherwise)]) print(`flips: ${line}`);
  };
  for (let turn = 1; turn <= count; turn++) {
    for (const denies of [true, false]) {
      const askedMs = performance.now();
      await flip(mesh, denies);
      const fromMs = performance.now();
      acknowledgedMs += fromMs - askedMs;
      await held(load, fromMs);
      states.push({ denies, fromMs, untilMs: performance.now() });
    }
    if (turn % TOLD_EVERY === 0) tell(turn);
  }
  const seconds = (performance.now() - startedMs) / 1_000;
  const { calls, definite, allowedUnderDeny, deniedWithoutDeny, otherwise } = judge(await load.end(), states);
  return {
    figures: {
      'DENY on and off': count,
      seconds: Math.round(seconds),
      'change to acknowledgement, mean ms': Math.round(acknowledgedMs / (2 * count)),
      calls,
      'left out, since too many were under way': load.leftOut,
      'calls wholly within one state': definite,
      'allowed after a DENY was acknowledged': allowedUnderDeny,
      'denied after its removal was acknowledged': deniedWithoutDeny,
      'failed otherwise': otherwise.length,
    },
    faults: [
      ...(allowedUnderDeny > 0 ? [`${allowedUnderDeny} calls were let through under a DENY`] : []),
      ...(deniedWithoutDeny > 0 ? [`${deniedWithoutDeny} calls were refused without a DENY`] : []),
      ...asText(otherwise),
    ],
  };
};
