/** When an ejected host comes back, and for how long it goes the next time. */
import { type ConformanceCase, defineCase, type MeshUnderTest } from '../../define-case.ts';
import { expectEqual } from '../../expect.ts';
import { reviewsCluster } from '../counted.ts';
import { SEED_BREAKER } from '../routing/seed.ts';
import { until, untilStatLater } from '../waiting.ts';
import { EJECTED, ejections, healths, inTurn, tally, watched } from './outliers.ts';

const SOURCE = 'Istio OutlierDetection.baseEjectionTime, interval; Envoy outlier detection: ejection time';
const BECAUSE = 'half a minute of ejection passes at once on a virtual clock';
const V1_FAILS = 'only=reviews-v1;fail=503';

/** Lets virtual time go by; simulation only. */
const pass = async (mesh: MeshUnderTest, seconds: number): Promise<void> => {
  if (mesh.pass === undefined) throw new Error('time cannot be put forward here');
  await mesh.pass(seconds * 1_000);
};

const isOut = async (mesh: MeshUnderTest): Promise<boolean> => (await healths(mesh))[0] === EJECTED;

/** RES-EJECT-015 to 018. */
export const ejectionTimes: readonly ConformanceCase[] = [
  defineCase({
    id: 'RES-EJECT-015',
    claim:
      'An ejected host comes back by itself once its time is over and the interval is swept; it gets its share again, and no ejection is active.',
    source: SOURCE,
    profile: 'core',
    apply: watched('{ consecutive5xxErrors: 2, interval: 0.1s, baseEjectionTime: 0.5s, maxEjectionPercent: 100 }'),
    killedBy: ['MUT-NEVER-UNEJECTED'],
    labs: [],
    async run(mesh) {
      expectEqual('statuses while v1 fails', tally(await inTurn(mesh, 6, V1_FAILS)), '200×4 503×2');
      const active = `${reviewsCluster()}.outlier_detection.ejections_active`;
      await untilStatLater(mesh, active, 0);
      expectEqual('health of v1, v2, v3', await healths(mesh), ['healthy', 'healthy', 'healthy']);
      // Envoy takes changes of health together that come within a second.
      const ask = async () => (await inTurn(mesh, 1, 'only=reviews-v1;fail=404'))[0];
      await until('status', ask, (status) => status === 404, '404, from v1');
      expectEqual('statuses when it is back', tally(await inTurn(mesh, 6, 'only=reviews-v1;fail=404')), '200×4 404×2');
    },
  }),
  defineCase({
    id: 'RES-EJECT-016',
    claim: "The founding text's host is out for 30 s at least and back with the first sweep after that, within 60 s.",
    source: 'seed: Circuit Breaking (interval: 30s, baseEjectionTime: 30s, maxEjectionPercent: 50)',
    profile: 'core',
    drivers: ['simulation'],
    because: BECAUSE,
    apply: SEED_BREAKER.replace('    connectionPool:', '    loadBalancer: { simple: ROUND_ROBIN }\n    connectionPool:'),
    killedBy: ['MUT-NEVER-UNEJECTED'],
    labs: [],
    async run(mesh) {
      expectEqual('statuses while v1 fails', tally(await inTurn(mesh, 30, V1_FAILS)), '200×25 503×5');
      expectEqual('whether it is out at once', await isOut(mesh), true);
      await pass(mesh, 29);
      expectEqual('whether it is out before 30 s', await isOut(mesh), true);
      expectEqual('statuses meanwhile', tally(await inTurn(mesh, 6, V1_FAILS)), '200×6');
      await pass(mesh, 32);
      expectEqual('whether it is out after 60 s', await isOut(mesh), false);
    },
  }),
  defineCase({
    id: 'RES-EJECT-017',
    claim: 'A host that is ejected again at once stays out for twice the base time, and the third time for three times.',
    source: `${SOURCE} multiplied by the number of times in a row`,
    profile: 'core',
    drivers: ['simulation'],
    because: BECAUSE,
    apply: watched('{ consecutive5xxErrors: 2, interval: 10s, baseEjectionTime: 30s, maxEjectionPercent: 100 }'),
    killedBy: ['MUT-EJECTION-TIME-CONSTANT'],
    labs: [],
    async run(mesh) {
      const before = await ejections(mesh, 'enforced_total');
      for (const times of [1, 2, 3]) {
        await inTurn(mesh, 6, V1_FAILS);
        expectEqual(`whether it is out, time ${times}`, await isOut(mesh), true);
        await pass(mesh, 30 * times - 1);
        expectEqual(`whether it is out just before ${30 * times} s`, await isOut(mesh), true);
        // One sweep may have passed just before its time was over.
        await pass(mesh, 11.5);
        expectEqual(`whether it is out a sweep later, time ${times}`, await isOut(mesh), false);
      }
      expectEqual('ejections in all', (await ejections(mesh, 'enforced_total')) - before, 3);
    },
  }),
  defineCase({
    id: 'RES-EJECT-018',
    claim: 'Quiet intervals are forgiven one by one: after some of them the next ejection lasts the base time again.',
    source: 'Envoy outlier detection: the multiplier falls with every interval without an ejection',
    profile: 'extended',
    drivers: ['simulation'],
    because: BECAUSE,
    apply: watched('{ consecutive5xxErrors: 2, interval: 10s, baseEjectionTime: 30s, maxEjectionPercent: 100 }'),
    killedBy: [],
    labs: [],
    async run(mesh) {
      for (const times of [1, 2]) {
        await inTurn(mesh, 6, V1_FAILS);
        await pass(mesh, 30 * times + 12);
        expectEqual(`whether it is out after ejection ${times}`, await isOut(mesh), false);
      }
      await pass(mesh, 40);
      await inTurn(mesh, 6, V1_FAILS);
      await pass(mesh, 29);
      expectEqual('whether it is out just before 30 s', await isOut(mesh), true);
      await pass(mesh, 12);
      expectEqual('whether it is out after 40 s', await isOut(mesh), false);
    },
  }),
];
