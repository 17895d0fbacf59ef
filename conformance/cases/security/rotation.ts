/** Certificates that give way to others while requests run. Time is the simulation's: a day passes in no time. */
import { type ConformanceCase, defineCase, type MeshUnderTest } from '../../define-case.ts';
import { expectEqual, expectThat, Mismatch } from '../../expect.ts';
import { HOST, head } from '../protocol/wire.ts';
import { REVIEWS } from '../routing/reviews.ts';
import { answerOver, fate, LIKE_PRODUCTPAGE, MESH_ALPN, mode, SERVED } from './strangers.ts';

const HOUR_MS = 3_600_000;

/** What only the simulation has. */
const simulated = (mesh: MeshUnderTest) => {
  const { pass, identity } = mesh;
  if (pass === undefined || identity === undefined) throw new Mismatch('the mesh', 'time that can be passed, and an authority', 'none');
  return { pass, identity };
};

const serialOf = async (mesh: MeshUnderTest, workload: string): Promise<string> => {
  await using shaken = await mesh.shake(workload, 9080, LIKE_PRODUCTPAGE);
  return shaken.server.serial;
};

/** Lets hours pass with requests in each; gives the statuses that were seen. then: after each hour. */
const passWithRequests = async (
  mesh: MeshUnderTest,
  hours: number,
  then: (hour: number) => Promise<unknown> = async () => {},
): Promise<number[]> => {
  const { pass } = simulated(mesh);
  const statuses = new Set<number>();
  for (let hour = 0; hour < hours; hour++) {
    const meanwhile = mesh.sendMany({ url: REVIEWS }, 4);
    await pass(HOUR_MS);
    for (const { status } of await meanwhile) statuses.add(status);
    await then(hour);
  }
  return [...statuses];
};

/** SEC-ROT-001 to 004. */
export const rotation: readonly ConformanceCase[] = [
  defineCase({
    id: 'SEC-ROT-001',
    claim:
      'A certificate is renewed about half way through its life; no request fails, new connections are shown the new one, and open ones go on.',
    source: 'Istio: workload certificates rotate by themselves; SDS',
    profile: 'core',
    drivers: ['simulation'],
    apply: mode('STRICT'),
    killedBy: ['MUT-NO-RENEWAL', 'MUT-OLD-KEY-SHOWN', 'MUT-ROTATION-CUTS-STREAMS'],
    labs: [],
    async run(mesh) {
      const { pass } = simulated(mesh);
      const before = await serialOf(mesh, 'reviews-v1');
      expectEqual('serial a moment later', await serialOf(mesh, 'reviews-v1'), before);
      await using open = await mesh.shake('reviews-v1', 9080, { ...LIKE_PRODUCTPAGE, certificate: { untilDays: 9 } });
      const onTheOpenOne = (hour: number): Promise<string> => {
        open.write(head(`GET /hour-${hour} HTTP/1.1`, HOST));
        return open.until(`/hour-${hour}"`);
      };
      // A connection that is not used for an hour is closed.
      const minutes = { ...mesh, pass: (ms: number) => pass(ms * 0.9) };
      expectEqual('statuses', await passWithRequests(minutes, 16, onTheOpenOne), [200]);
      const after = await serialOf(mesh, 'reviews-v1');
      expectThat('serial after 14 hours', after !== before, 'another one', after);
    },
  }),
  defineCase({
    id: 'SEC-ROT-002',
    claim: 'One root gives way to another, step by step, and no request fails; in the end the old root is worth nothing.',
    source: 'Istio: root certificate rotation with combined roots',
    profile: 'core',
    drivers: ['simulation'],
    apply: mode('STRICT'),
    killedBy: ['MUT-ROOT-NOT-PUSHED', 'MUT-NEW-ROOT-ALONE'],
    labs: [],
    async run(mesh) {
      const { identity } = simulated(mesh);
      const first = await serialOf(mesh, 'reviews-v1');
      const statuses: number[] = [];
      await identity.rotate('begin');
      statuses.push(...(await passWithRequests(mesh, 1)));
      await identity.rotate('switch');
      statuses.push(...(await passWithRequests(mesh, 26)));
      await identity.rotate('finish');
      statuses.push(...(await passWithRequests(mesh, 1)));
      expectEqual('statuses', [...new Set(statuses)], [200]);
      const { phase, roots } = await identity.report();
      expectEqual('phase and roots in the end', [phase, roots.length], ['steady', 1]);
      expectThat('serial in the end', (await serialOf(mesh, 'reviews-v1')) !== first, 'another one', first);
      expectEqual('fate of a client of the new root', fate(await answerOver(mesh, 'reviews-v1', LIKE_PRODUCTPAGE)), SERVED);
      const stranger = await answerOver(mesh, 'reviews-v1', { signedBy: 'foreign', alpn: MESH_ALPN });
      expectEqual('fate of a client of a root that is none', fate(stranger), 'refused');
    },
  }),
  defineCase({
    id: 'SEC-ROT-003',
    claim:
      'While nobody certifies, workloads go on until their certificates end; from then on every handshake fails and nothing is sent in plain text, until certificates come again.',
    source: 'Istio: istiod down, certificates still valid; fail closed',
    profile: 'core',
    drivers: ['simulation'],
    // Where plain text would be taken, too: nothing but the callers themselves keeps them from sending it.
    apply: mode('PERMISSIVE'),
    killedBy: ['MUT-PLAIN-TEXT-FALLBACK'],
    labs: [],
    async run(mesh) {
      const { identity, pass } = simulated(mesh);
      if (identity.suspend === undefined) throw new Mismatch('the mesh', 'an authority that can be away', 'none');
      await identity.suspend(async () => {
        expectEqual('statuses before the end', await passWithRequests(mesh, 10), [200]);
        await pass(16 * HOUR_MS);
        const answers = await mesh.sendMany({ url: REVIEWS }, 4);
        expectEqual('statuses after the end', [...new Set(answers.map(({ status }) => status))], [503]);
        expectEqual('fate of a client with a certificate', fate(await answerOver(mesh, 'reviews-v1', LIKE_PRODUCTPAGE)), 'refused');
      });
      await pass(2 * 60_000);
      expectEqual('status when certificates come again', (await mesh.send({ url: REVIEWS })).status, 200);
    },
  }),
  defineCase({
    id: 'SEC-ROT-004',
    claim: 'A renewal that fails shows: the failures are counted, and the seconds that are left become fewer.',
    source: 'Envoy days_until_first_cert_expiring; Istio agent metrics',
    profile: 'extended',
    drivers: ['simulation'],
    apply: '',
    killedBy: ['MUT-RENEWAL-FAILURES-UNCOUNTED'],
    labs: [],
    async run(mesh) {
      const { identity, pass } = simulated(mesh);
      if (identity.suspend === undefined) throw new Mismatch('the mesh', 'an authority that can be away', 'none');
      const read = async (): Promise<readonly [number, number]> => [
        await mesh.stat('reviews-v1', 'identity.certificate_requests_failed'),
        await mesh.stat('reviews-v1', 'identity.certificate_seconds_left'),
      ];
      await identity.suspend(async () => {
        const [failedBefore] = await read();
        await pass(15 * HOUR_MS);
        const [failed, left] = await read();
        expectThat('failures after 15 hours', failed > failedBefore, `more than ${failedBefore}`, failed);
        expectThat('seconds left', left > 0 && left < 12 * 3_600, 'less than half a day', left);
      });
      await pass(2 * 60_000);
      const [, left] = await read();
      expectThat('seconds left after a renewal', left > 23 * 3_600, 'nearly a day', left);
    },
  }),
];
