/** Labs over HTTP, for the page and for `dinghy lab`: what has been reached, the check of a step, and the way back to the start. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Context, Hono } from 'hono';
import type { Exchange } from '#api/exchange.ts';
import type { StoredResource } from '#api/resource.ts';
import type { ControlPlaneClient } from '#environment';
import { checkedSteps, checkStep, differences, keyOf, LABS, type Lab, type LabStep, type Round, resetTo } from '#labs';
import type { Cases } from '../cases.ts';
import type { LiveMesh } from '../live-mesh.ts';
import type { HeldRequests } from '../resilience/held.ts';
import type { SteadyLoad } from '../steady-load.ts';
import { inForce } from './in-force.ts';
import { ProgressBook } from './progress-book.ts';

const PROBE_USER_AGENT = 'dinghy-probe';

/** What the lab calls need. */
export interface LabRoom {
  readonly mesh: LiveMesh;
  readonly cases: Cases;
  readonly held: HeldRequests;
  readonly load: SteadyLoad;
  readonly controlPlane: ControlPlaneClient;
  /** Project root. */
  readonly root: string;
  /** Folder of the file that keeps what was reached. */
  readonly progressFolder: string;
}

/** Counts which workloads answer the cases' own requests, from what the proxy of `from` tells; the calls that those cause in turn are none of the case's. */
const countProbes = (mesh: LiveMesh, from: string): (() => Round) => {
  const byAddress = new Map(mesh.workloads.map(({ address, name }) => [address, name]));
  const counts: Record<string, number> = {};
  const stop = mesh.exchanges.subscribe(({ userAgent, side, reporter, upstreamHost }: Exchange) => {
    const isAsked = side === 'gateway' ? from === 'gateway' : side === 'outbound' && reporter === from;
    if (!isAsked || !userAgent.startsWith(PROBE_USER_AGENT)) return;
    const who = byAddress.get(upstreamHost.slice(0, Math.max(0, upstreamHost.lastIndexOf(':')))) ?? '';
    counts[who] = (counts[who] ?? 0) + 1;
  });
  return () => {
    stop();
    return counts;
  };
};

/** The resources of the mesh's start. Asked for at once, which is before a learner can change them. */
const rememberStart = (controlPlane: ControlPlaneClient): (() => Promise<readonly StoredResource[]>) => {
  let initial: Promise<readonly StoredResource[]> | undefined;
  const remember = () => {
    initial ??= controlPlane.list();
    return initial;
  };
  // Not awaited: the site must answer before the control plane does; reset awaits it and reports what went wrong.
  remember().catch(() => {
    initial = undefined;
  });
  return remember;
};

const placeOf = (context: Context): readonly [Lab, LabStep] | undefined => {
  const lab = LABS.find(({ id }) => id === context.req.param('lab'));
  const step = lab?.steps.find(({ id }) => id === context.req.param('step'));
  return lab === undefined || step === undefined ? undefined : [lab, step];
};

/** progress, check and reset. */
export const labRoutes = ({ mesh, cases, held, load, controlPlane, root, progressFolder }: LabRoom): Hono => {
  const routes = new Hono();
  const book = new ProgressBook(join(progressFolder, `${mesh.name}.json`));
  const start = rememberStart(controlPlane);

  const causes = async (lab: Lab, step: LabStep): Promise<readonly string[]> =>
    differences(lab, step.id, {
      initial: await start(),
      present: await controlPlane.list(),
      read: (file) => readFile(join(root, 'labs', lab.id, file), 'utf8'),
    });

  routes.get('/progress', async (context) => context.json(await book.read()));
  routes.get('/:lab/steps/:step/causes', async (context) => {
    const place = placeOf(context);
    return place === undefined ? context.json({ error: 'There is no such step.' }, 404) : context.json(await causes(...place));
  });
  routes.post('/:lab/steps/:step/progress', async (context) => {
    const place = placeOf(context);
    if (place === undefined) return context.json({ error: 'There is no such step.' }, 404);
    return context.json(await book.reach(keyOf(...place), await context.req.json()));
  });
  routes.post('/:lab/steps/:step/check', async (context) => {
    const place = placeOf(context);
    if (place === undefined) return context.json({ error: 'There is no such step.' }, 404);
    const [lab, step] = place;
    const check = () =>
      checkStep(lab, step.id, {
        run: (id) => cases.run(id),
        causes: () => causes(lab, step),
        count: () => countProbes(mesh, step.send.from),
      });
    if (step.stage.kind === 'held') await held.clear();
    // Where places, turns or failures are counted, nobody else may come in between.
    const isCounted = step.stage.kind === 'held' || step.send.alone === true;
    const verdict = await (isCounted ? load.quiet(check) : check());
    for (const [proved, checked] of checkedSteps(lab, step.id, verdict)) await book.reach(keyOf(lab, proved), { checked });
    return context.json(verdict);
  });
  routes.post('/:lab/reset', async (context) => {
    const lab = LABS.find(({ id }) => id === context.req.param('lab'));
    if (lab === undefined) return context.json({ error: 'There is no such lab.' }, 404);
    await held.clear();
    const touched = await resetTo(await start(), controlPlane);
    await inForce(controlPlane);
    return context.json({ touched, progress: await book.forget(lab.id) });
  });
  return routes;
};
