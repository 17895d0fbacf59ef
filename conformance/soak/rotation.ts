/** Every certificate renewed 60 times under load, then the root changed, in mesh time that flows faster than the machine's: no call may fail. */

import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import type { Environment } from '#environment';
import { handshakeFigures } from './handshake-figures.ts';
import { Load } from './load.ts';
import { MeshTime } from './mesh-time.ts';
import { asText, type Outcome, type SoakOptions } from './outcome.ts';
import { PORT, RING, soakMesh, workloadOf } from './soak-mesh.ts';

type Report = Awaited<ReturnType<Environment['identity']['report']>>;

const ROTATIONS = 60;
const LOOK_MS = 250;
const TOLD_EVERY = 5;
/** A step of the change of roots is tried until it is not too early any more. */
const STEP_PATIENCE_MS = 120_000;
/** Renewals of everybody after the last step. */
const AFTERWARDS = 2;

const serialOf = (text: string): string => text.toLowerCase().replace(/^0+/, '');

/** What a stranger's OpenSSL says of the certificate that this sidecar shows: its serial. Rejects when it is not accepted, by the machine's clock. */
const accepted = (address: string, roots: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: address, port: PORT, ca: [...roots], ALPNProtocols: ['istio'], checkServerIdentity: () => undefined });
    socket.on('error', reject);
    socket.once('secureConnect', () => {
      const serial = socket.getPeerX509Certificate()?.serialNumber ?? '';
      socket.removeAllListeners('error').on('error', () => {});
      socket.destroy();
      resolve(serialOf(serial));
    });
  });

/** LIVING STATE: certificates that were issued, and those that were seen in force. */
class Watch {
  readonly issued = new Map<string, Set<string>>();
  readonly seen = new Map<string, Set<string>>();
  readonly refusals: string[] = [];
  probes = 0;
  readonly #mesh: Environment;

  constructor(mesh: Environment) {
    this.#mesh = mesh;
  }

  /** Asks the authority and every sidecar once. */
  async look(): Promise<Report> {
    const report = await this.#mesh.identity.report();
    for (const { holder, serial } of report.leaves) this.#add(this.issued, holder, serialOf(serial));
    const roots = report.roots.map(({ pem }) => pem);
    for (const { name, address } of this.#mesh.workloads) {
      this.probes++;
      await accepted(address, roots).then(
        (serial) => this.#add(this.seen, name, serial),
        (error: unknown) => this.refusals.push(`${name}: ${error instanceof Error ? error.message : String(error)}`),
      );
    }
    return report;
  }

  #add(sets: Map<string, Set<string>>, holder: string, serial: string): void {
    sets.set(holder, (sets.get(holder) ?? new Set()).add(serial));
  }
}

const fewest = (sets: ReadonlyMap<string, ReadonlySet<string>>): number =>
  Math.min(...RING.map((member) => sets.get(workloadOf(member))?.size ?? 0));

/** Settles when everybody got so many new certificates. */
const renewed = async (watch: Watch, count: number, tell: (done: number) => void): Promise<void> => {
  const rotationsOf = ({ leaves }: Report, member: string): number => leaves.find(({ holder }) => holder === member)?.rotations ?? 0;
  const now = (report: Report) => RING.map((member) => rotationsOf(report, workloadOf(member)));
  const first = now(await watch.look());
  for (let done = 0; done < count; ) {
    await sleep(LOOK_MS);
    const rotations = now(await watch.look());
    done = Math.min(...rotations.map((one, index) => one - (first[index] ?? 0)));
    tell(done);
  }
};

const changeRoot = async (mesh: Environment, watch: Watch, print: SoakOptions['print']): Promise<void> => {
  for (const step of ['begin', 'switch', 'finish'] as const) {
    const deadline = performance.now() + STEP_PATIENCE_MS;
    for (;;) {
      try {
        await mesh.identity.rotate(step);
        break;
      } catch (error) {
        if (performance.now() > deadline) throw error;
        await watch.look();
        await sleep(LOOK_MS);
      }
    }
    print(`rotation: change of roots: ${step}`);
  }
};

/** 60 renewals of everybody, then A, A and B, B. */
export const rotation = async ({ print, scale, rate }: SoakOptions): Promise<Outcome> => {
  await using mesh = await soakMesh('processes, time put forward');
  const watch = new Watch(mesh);
  await using load = await Load.begin(mesh, rate);
  const startedMs = performance.now();
  await using time = new MeshTime(mesh);
  let told = 0;
  const count = Math.max(1, Math.round(ROTATIONS * scale));
  await renewed(watch, count, (done) => {
    if (done < told + TOLD_EVERY) return;
    told = done;
    const failed = load.calls.filter(({ status }) => status !== 200);
    for (const line of [`${done} of ${count}: ${load.calls.length} calls, ${failed.length} failed`, ...asText(failed)])
      print(`rotation: ${line}`);
  });
  await changeRoot(mesh, watch, print);
  await renewed(watch, AFTERWARDS, () => {});
  await time.end();
  const calls = await load.end();
  const seconds = (performance.now() - startedMs) / 1_000;
  const failed = calls.filter(({ status }) => status !== 200);
  const shown = new Map(
    RING.map((member) => [workloadOf(member), new Set(calls.filter(({ caller }) => caller === member).map((call) => call.shown))]),
  );
  const { succeeded, failed: broken } = await handshakeFigures(mesh);
  // The stranger shows no certificate, which STRICT counts; nothing else may be.
  const { fail_verify_no_cert: strangers = 0, ...others } = broken;
  return {
    figures: {
      seconds: Math.round(seconds),
      'mesh time, seconds': Math.round(time.aheadMs / 1_000 + seconds),
      'steps of time that some process missed': time.missed.length,
      calls: calls.length,
      'left out, since too many were under way': load.leftOut,
      'calls failed': failed.length,
      'renewals of whoever had the fewest': fewest(watch.issued) - 1,
      'certificates that a stranger saw and accepted, fewest of a sidecar': fewest(watch.seen),
      'certificates that callees accepted and told of, fewest of a caller': fewest(shown),
      handshakes: succeeded,
      'handshakes failed': Object.values(others).reduce((sum, one) => sum + one, 0),
      'strangers without a certificate, asked and refused': `${watch.probes}, ${strangers}`,
    },
    faults: [
      ...asText(failed),
      ...watch.refusals.slice(0, 3).map((words) => `a stranger refused what a sidecar showed: ${words}`),
      ...Object.entries(others).map(([counter, times]) => `${times} handshakes failed: ${counter}`),
      ...(fewest(shown) > count ? [] : [`callees saw ${fewest(shown)} certificates of a caller that had more than ${count}`]),
    ],
  };
};
