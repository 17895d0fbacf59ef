/** Configuration over HTTP: what is in force, and changes, told line by line until every proxy has answered. */
import { setTimeout as pause } from 'node:timers/promises';
import { type Context, Hono } from 'hono';
import { stream } from 'hono/streaming';
import type { ApplyResult } from '#api/resource.ts';
import type { ControlPlaneClient, Files } from '#environment';
import { watchChange } from './change-watch.ts';
import { readBody, textsOf } from './http/body.ts';
import { rulePlace } from './rule-place.ts';
import { OrderError } from './sender.ts';
import type { Change, ChangeProgress } from './told.ts';

const LOOK_AGAIN_MS = 10;
const KEPT_CHANGES = 8;

const filesOf = (body: Readonly<Record<string, unknown>>): Files => {
  const files = textsOf(body.files);
  if (Object.keys(files).length === 0) throw new OrderError('There is nothing to apply.');
  return files;
};

/** Living state: the last changes made through the site, newest first. */
class Changes {
  #list: readonly Change[] = [];

  get list(): readonly Change[] {
    return this.#list;
  }

  /** The same version again replaces what was known of it. */
  note({ applied }: ApplyResult, progress: ChangeProgress, at: string): void {
    const others = this.#list.filter(({ version }) => version !== progress.version);
    this.#list = [{ ...progress, at, resources: applied }, ...others].slice(0, KEPT_CHANGES);
  }
}

const isChange = ({ applied, problems }: ApplyResult): boolean =>
  !problems.some(({ severity }) => severity === 'error') && applied.some(({ outcome }) => outcome !== 'unchanged');

/** workloads: names of all proxies, gateways too. */
export const configurationRoutes = (controlPlane: ControlPlaneClient, workloads: readonly string[]): Hono => {
  const routes = new Hono();
  const changes = new Changes();

  /** `{"result": …}`, then `{"progress": …}` as often as something happens; the last one is settled. */
  const tell = (context: Context, result: ApplyResult): Response => {
    context.header('content-type', 'application/x-ndjson');
    return stream(context, async (lines) => {
      await lines.writeln(JSON.stringify({ result }));
      if (!isChange(result)) return;
      const at = new Date().toISOString();
      const watch = { sync: () => controlPlane.sync(), nowMs: () => performance.now(), pause: () => pause(LOOK_AGAIN_MS) };
      try {
        for await (const progress of watchChange({ version: result.version, workloads }, watch)) {
          changes.note(result, progress, at);
          await lines.writeln(JSON.stringify({ progress }));
          if (lines.aborted) return;
        }
      } catch (error) {
        await lines.writeln(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }));
      }
    });
  };

  routes.get('/sync', async (context) => context.json(await controlPlane.sync()));
  routes.get('/changes', (context) => context.json(changes.list));
  routes.get('/resources', async (context) => context.json(await controlPlane.list()));
  routes.get('/rule', async (context) => {
    const { resource = '', field = '' } = context.req.query();
    const place = rulePlace(await controlPlane.list(), resource, field);
    return place === undefined ? context.json({ error: `${resource} is not in force any more.` }, 404) : context.json(place);
  });
  routes.post('/analyze', async (context) => context.json(await controlPlane.analyze(filesOf(await readBody(context.req)))));
  routes.post('/apply', async (context) => tell(context, await controlPlane.apply(filesOf(await readBody(context.req)))));
  routes.post('/delete', async (context) => tell(context, await controlPlane.remove(filesOf(await readBody(context.req)))));
  return routes;
};
