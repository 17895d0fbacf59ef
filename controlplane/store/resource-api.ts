/** Source of configuration: the HTTP API that cli, site and conformance use. Reading is free on loopback; changing wants the token. */
import { Hono, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Problem, ResourceName, StoredResource } from '#api/resource.ts';
import { titleOf } from '../resources/resource.ts';
import type { ConfigStore, Stored } from './config-store.ts';

const MAX_BODY_BYTES = 1_048_576;

/** guard: lets only those through that may change something. */
export interface ResourceApiOptions {
  readonly guard: MiddlewareHandler;
}

/** Routes: POST /apply (?dryRun=1), POST /delete, POST /analyze, GET /resources (?kind&namespace&name), GET /problems. */
export const createResourceApi = (store: ConfigStore, { guard }: ResourceApiOptions): Hono => {
  const api = new Hono();
  api.use(
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: (context) => context.json({ error: `body is larger than ${MAX_BODY_BYTES} bytes` }, 413),
    }),
  );
  for (const path of ['/apply', '/delete']) api.use(path, guard);
  api.post('/apply', async (context) => {
    const files = readFiles(await readJson(context.req));
    if (files === undefined) return context.json({ error: 'expected {"files": {"name.yaml": "text"}}' }, 400);
    const result = store.apply(files, { dryRun: context.req.query('dryRun') === '1' });
    return context.json(result, result.applied.length === 0 && result.problems.some(({ severity }) => severity === 'error') ? 422 : 200);
  });
  api.post('/analyze', async (context) => {
    const files = readFiles(await readJson(context.req));
    return files === undefined
      ? context.json({ error: 'expected {"files": {"name.yaml": "text"}}' }, 400)
      : context.json(store.apply(files, { dryRun: true }));
  });
  api.post('/delete', async (context) => {
    const body = await readJson(context.req);
    const files = readFiles(body);
    const names = readNames(body);
    if (files === undefined && names === undefined)
      return context.json({ error: 'expected {"resources": [{"kind", "namespace", "name"}]} or {"files": …}' }, 400);
    const result = files === undefined ? store.remove(names ?? []) : store.removeFiles(files);
    return context.json(result, result.problems.length > 0 ? 404 : 200);
  });
  api.get('/resources', (context) => {
    const { kind, namespace, name } = context.req.query();
    const found = store
      .view()
      .all.filter(
        ({ resource }) =>
          matches(resource.kind, kind) && matches(resource.metadata.namespace, namespace) && matches(resource.metadata.name, name),
      );
    const { analysis } = store;
    return context.json(found.map((stored) => present(stored, analysis)));
  });
  api.get('/problems', (context) => context.json(store.problems));
  return api;
};

const matches = (value: string, wanted: string | undefined): boolean =>
  wanted === undefined || wanted.toLowerCase() === value.toLowerCase();

const readJson = async (request: { json(): Promise<unknown> }): Promise<unknown> => {
  try {
    return await request.json();
  } catch {
    return undefined;
  }
};

const readFiles = (body: unknown): Record<string, string> | undefined => {
  const files = isRecord(body) ? body.files : undefined;
  if (!isRecord(files) || !Object.values(files).every((text) => typeof text === 'string')) return undefined;
  return files as Record<string, string>;
};

const readNames = (body: unknown): ResourceName[] | undefined => {
  const list = isRecord(body) ? body.resources : undefined;
  if (!Array.isArray(list) || !list.every((entry) => isRecord(entry) && typeof entry.kind === 'string' && typeof entry.name === 'string'))
    return undefined;
  return list.map((entry) => ({
    kind: entry.kind,
    namespace: typeof entry.namespace === 'string' ? entry.namespace : 'default',
    name: entry.name,
  }));
};

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** analysis: of all resources; what is about this one is told with it. */
const present = ({ resource, createdAtMs, problems }: Stored, analysis: readonly Problem[]): StoredResource => ({
  kind: resource.kind,
  apiVersion: resource.apiVersion,
  namespace: resource.metadata.namespace,
  name: resource.metadata.name,
  file: resource.origin.file,
  line: resource.origin.line,
  createdAt: new Date(createdAtMs).toISOString(),
  yaml: resource.yaml,
  problems: [...problems, ...analysis.filter((problem) => problem.resource === titleOf(resource))],
});
