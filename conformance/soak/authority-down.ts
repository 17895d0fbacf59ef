/** The control plane is away for longer than certificates live: calls go on until expiry, then none is answered, and all comes back by itself. In real time. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment } from '#environment';
import { handshakeFigures } from './handshake-figures.ts';
import { type Call, Load } from './load.ts';
import { asText, type Outcome, type SoakOptions } from './outcome.ts';
import { calleeOf, RING, soakMesh, workloadOf } from './soak-mesh.ts';

const BEFORE_MS = 3_000;
/** How long nobody has a certificate in force. */
const OVER_MS = 8_000;
/** X.509 knows whole seconds; a call that is under way when a certificate ends may still be answered. */
const EDGE_MS = 1_100;
const RECOVERY_PATIENCE_MS = 60_000;
const LOOK_MS = 50;
const RUNS = join(import.meta.dirname, '../../.cache/run');

const ALARMS = {
  'warned, after half of its life': (line: string) => line.includes('identity.renewal-overdue') && /"level":"warn"/.test(line),
  'alarmed, after 80 % of its life': (line: string) => line.includes('identity.renewal-overdue') && /"level":"error"/.test(line),
  'said that it expired': (line: string) => line.includes('identity.expired'),
};

const wallMs = (ms: number): number => performance.timeOrigin + ms;

/** Workload → when its certificate ends, milliseconds since the epoch. */
const endsOf = async ({ identity }: Environment): Promise<ReadonlyMap<string, number>> =>
  new Map((await identity.report()).leaves.map(({ holder, notAfterMs }) => [holder, notAfterMs]));

const alarmsIn = (mesh: Environment): Readonly<Record<string, number>> => {
  const logs = RING.map((member) => readFileSync(join(RUNS, mesh.name, `${workloadOf(member)}.proxy.log`), 'utf8').split('\n'));
  return Object.fromEntries(Object.entries(ALARMS).map(([what, says]) => [what, logs.filter((lines) => lines.some(says)).length]));
};

/** Settles when every caller was answered on a fresh connection; gives how long that took, milliseconds. */
const recovered = async (load: Load): Promise<number> => {
  const fromMs = performance.now();
  const waiting = (): boolean =>
    RING.some(
      (caller) =>
        !load.calls.some((call) => call.caller === caller && call.beganMs > fromMs && call.way === 'fresh' && call.status === 200),
    );
  while (waiting()) {
    if (performance.now() - fromMs > RECOVERY_PATIENCE_MS) throw new Error('calls did not come back');
    await sleep(LOOK_MS);
  }
  return performance.now() - fromMs;
};

interface Away {
  readonly ends: ReadonlyMap<string, number>;
  readonly untilMs: number;
}

/** Calls before either end's certificate was over, and those from then on until the control plane was back. */
const split = (calls: readonly Call[], { ends, untilMs }: Away) => {
  const endOf = ({ caller }: Call): number =>
    Math.min(...[caller, calleeOf(caller)].map((member) => ends.get(workloadOf(member)) ?? Number.NaN));
  return {
    before: calls.filter((call) => wallMs(call.endedMs) < endOf(call)),
    after: calls.filter((call) => wallMs(call.beganMs) > endOf(call) + EDGE_MS && call.endedMs < untilMs),
  };
};

/** Takes two minutes, whatever the scale: no certificate lives for less than 60 s. */
export const authorityDown = async ({ print, rate }: SoakOptions): Promise<Outcome> => {
  await using mesh = await soakMesh('processes');
  const pids = (): string => mesh.workloads.map(({ pid }) => pid).join(' ');
  await using load = await Load.begin(mesh, rate);
  await sleep(BEFORE_MS);
  const started = { pids: pids(), figures: await handshakeFigures(mesh) };
  const ends = await endsOf(mesh);
  let untilMs = 0;
  let lifeMs = 0;
  await mesh.restartControlPlane?.(async () => {
    const lastEndMs = Math.max(...ends.values());
    lifeMs = lastEndMs - Date.now();
    print(`authority-down: it is away; the last certificate ends in ${Math.round(lifeMs / 1_000)} s`);
    await sleep(lifeMs + OVER_MS);
    untilMs = performance.now();
    print('authority-down: it comes back');
  });
  const recoveryMs = await recovered(load);
  const backMs = performance.now();
  await sleep(BEFORE_MS);
  const calls = await load.end();
  const { before, after } = split(calls, { ends, untilMs });
  const failedBefore = before.filter(({ status }) => status !== 200);
  const answered = (way: Call['way']) => after.filter((call) => call.way === way && call.status === 200).length;
  const failedSince = calls.filter(({ beganMs, status }) => beganMs > backMs && status !== 200);
  const alarms = alarmsIn(mesh);
  const silent = Object.entries(alarms).filter(([, proxies]) => proxies < RING.length);
  return {
    figures: {
      calls: calls.length,
      'left out, since too many were under way': load.leftOut,
      'seconds from the end of the control plane to the end of the last certificate': Math.round(lifeMs / 1_000),
      'calls before expiry': before.length,
      'failed before expiry': failedBefore.length,
      'calls after expiry': after.length,
      'answered after expiry, fresh connection': answered('fresh'),
      'answered after expiry, kept connection': answered('kept'),
      ...Object.fromEntries(Object.entries(alarms).map(([what, proxies]) => [`sidecars of ${RING.length} that ${what}`, proxies])),
      'ms from its return to an answer for everybody': Math.round(recoveryMs),
      'failed since then': failedSince.length,
      'handshakes before': started.figures.succeeded,
      'handshakes in all': (await handshakeFigures(mesh)).succeeded,
    },
    faults: [
      ...asText(failedBefore),
      ...asText(failedSince),
      ...(answered('fresh') > 0 ? [`${answered('fresh')} calls were answered on a fresh connection with a certificate that was over`] : []),
      ...(answered('kept') > 0 ? [`${answered('kept')} calls were answered on a kept connection with a certificate that was over`] : []),
      ...silent.map(([what, proxies]) => `only ${proxies} of ${RING.length} sidecars ${what}`),
      ...(pids() === started.pids ? [] : ['a sidecar was started again']),
    ],
  };
};
