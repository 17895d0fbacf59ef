/** Labs over HTTP: what has been reached, the check of a step, and the way back to the start. */
import { Hono } from 'hono';
import type { StoredResource } from '#api/resource.ts';
import { checkStep, LABS, readProgress, resetTo } from '#labs';
import type { Cases } from './cases.ts';
import type { ControlPlaneClient } from './control-plane-client.ts';
import { loadProgress, saveProgress } from './progress-file.ts';

/** What the lab calls need. */
export interface LabRoom {
  readonly cases: Cases;
  readonly controlPlane: ControlPlaneClient;
  readonly progressFile: string;
}

/** progress, check and reset. The mesh's first resources are remembered when first asked for, which is before a learner can change them. */
export const labRoutes = ({ cases, controlPlane, progressFile }: LabRoom): Hono => {
  const routes = new Hono();
  let initial: Promise<readonly StoredResource[]> | undefined;
  const remember = () => {
    initial ??= controlPlane.list();
    return initial;
  };
  // Not awaited: the site must answer before the control plane does; reset awaits it and reports what went wrong.
  remember().catch(() => {
    initial = undefined;
  });

  routes.get('/progress', async (context) => context.json(await loadProgress(progressFile)));
  routes.put('/progress', async (context) => {
    const progress = readProgress(await context.req.json());
    await saveProgress(progressFile, progress);
    return context.json(progress);
  });
  routes.post('/reset', async (context) => context.json({ touched: await resetTo(await remember(), controlPlane) }));
  routes.post('/:lab/steps/:step/check', async (context) => {
    const lab = LABS.find((candidate) => candidate.id === context.req.param('lab'));
    const step = lab?.steps.find((candidate) => candidate.id === context.req.param('step'));
    if (lab === undefined || step === undefined) return context.json({ error: 'There is no such step.' }, 404);
    return context.json(await checkStep(lab, step.id, (id) => cases.run(id)));
  });
  return routes;
};
