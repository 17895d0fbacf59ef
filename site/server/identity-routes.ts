/** Who certifies whom and until when, the mesh's time, and the two things that may be done about it: put the time forward, and change the root. */
import { Hono } from 'hono';
import type { ControlPlaneClient } from '#environment';
import { readBody } from './http/body.ts';
import type { LiveMesh } from './live-mesh.ts';
import { OrderError } from './sender.ts';
import type { SteadyLoad } from './steady-load.ts';
import type { IdentityState } from './told.ts';

const HOUR_SECONDS = 3_600;
const MOST_HOURS = 30 * 24;
const STEPS = ['begin', 'switch', 'finish'] as const;

/** A step of the change of roots. */
export type RootStep = (typeof STEPS)[number];

/** What may be done to time and roots. */
export class MeshIdentity {
  readonly #mesh: LiveMesh;
  readonly #controlPlane: ControlPlaneClient;
  readonly #load: SteadyLoad;

  constructor(mesh: LiveMesh, controlPlane: ControlPlaneClient, load: SteadyLoad) {
    this.#mesh = mesh;
    this.#controlPlane = controlPlane;
    this.#load = load;
  }

  async read(): Promise<IdentityState> {
    const { phase, roots, leaves } = await this.#controlPlane.authority();
    return {
      nowMs: (this.#mesh.wallTimeMs ?? Date.now)(),
      canSkip: this.#mesh.advanceClocks !== undefined && this.#mesh.dataPlane === 'dinghy',
      phase,
      roots: roots.map(({ id, isSigning, notAfterMs }) => ({ id, isSigning, notAfterMs })),
      leaves,
      load: this.#load.counts,
    };
  }

  /** The load waits for the moment of the jump: a request that had been under way for hours would rightly time out. Rejects with OrderError. */
  async skip(seconds: number): Promise<void> {
    const advance = this.#mesh.advanceClocks;
    if (!Number.isInteger(seconds) || seconds < 1 || seconds > MOST_HOURS * HOUR_SECONDS)
      throw new OrderError(`The clock goes forward by 1 second to ${MOST_HOURS} hours.`);
    if (advance === undefined) throw new OrderError('This mesh has the time of the machine.');
    await this.#load.quiet(async () => {
      await advance(seconds * 1_000);
    });
  }

  /** Does nothing where that step was taken already. Rejects with what it waits for. */
  async rotate(step: RootStep): Promise<void> {
    const { phase } = await this.#controlPlane.authority();
    const after = { begin: 'begun', switch: 'switched', finish: 'steady' }[step];
    if (phase !== after && !(step === 'begin' && phase === 'switched')) await this.#controlPlane.rotate(step);
  }
}

/** GET /identity; POST /clock {"hours": N} or {"seconds": N}; POST /identity/rotation {"step": …}. */
export const identityRoutes = (identity: MeshIdentity): Hono => {
  const routes = new Hono();
  routes.get('/identity', async (context) => context.json(await identity.read()));
  routes.post('/clock', async (context) => {
    const { hours, seconds } = await readBody(context.req);
    await identity.skip(hours === undefined ? Number(seconds) : Number(hours) * HOUR_SECONDS);
    return context.json(await identity.read());
  });
  routes.post('/identity/rotation', async (context) => {
    const { step: word } = await readBody(context.req);
    const step = STEPS.find((one) => one === word);
    if (step === undefined) throw new OrderError(`A step is one of ${STEPS.join(', ')}.`);
    await identity.rotate(step);
    return context.json(await identity.read());
  });
  return routes;
};
