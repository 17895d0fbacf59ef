import { expect, test } from 'vitest';
import type { Problem } from '#api/resource.ts';
import { clockFrom } from '#system/clock.ts';
import { tokenGuard } from '../token-guard.ts';
import { ConfigStore } from './config-store.ts';
import { createResourceApi } from './resource-api.ts';

const SERVICE = 'apiVersion: v1\nkind: Service\nmetadata: {name: reviews} # ours\nspec: {ports: [{port: 9080, name: http}]}\n';

const setUp = (analysis: readonly Problem[] = []) => {
  const store = new ConfigStore(clockFrom({ nowMs: () => 0, wallTimeMs: () => 0, after: () => () => {} }), () => analysis);
  const api = createResourceApi(store, { guard: tokenGuard('secret') });
  const post = async (path: string, body: unknown, token = 'secret') => {
    const response = await api.request(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as { applied: { outcome: string }[] } };
  };
  const get = async (path: string) => (await api.request(path)).json();
  return { store, post, get };
};

test('a resource is created, unchanged, configured and deleted', async () => {
  const { post } = setUp();
  const outcome = async (path: string, text: string) => (await post(path, { files: { 'a.yaml': text } })).body.applied[0]?.outcome;
  expect(await outcome('/apply', SERVICE)).toBe('created');
  expect(await outcome('/apply', SERVICE)).toBe('unchanged');
  expect(await outcome('/apply', SERVICE.replace('9080', '80'))).toBe('configured');
  expect(await outcome('/delete', SERVICE)).toBe('deleted');
});

test.each(['/apply', '/delete'])('POST %s without the right token changes nothing', async (path) => {
  const { store, post } = setUp();
  expect((await post(path, { files: { 'a.yaml': SERVICE } }, 'guess')).status).toBe(401);
  expect(store.version).toBe(0);
});

test.each([['not json'], [{}], [{ files: [] }], [{ files: { 'a.yaml': 7 } }]])('a body of %j is refused', async (body) => {
  expect((await setUp().post('/apply', body)).status).toBe(400);
});

test('a body of more than a mebibyte is refused', async () => {
  expect((await setUp().post('/apply', { files: { 'a.yaml': 'x'.repeat(1_100_000) } })).status).toBe(413);
});

test('wrong YAML answers 422 with its place', async () => {
  const { status, body } = await setUp().post('/apply', { files: { 'a.yaml': SERVICE.replace('port:', 'prot:') } });
  expect(status).toBe(422);
  expect(body).toMatchObject({
    applied: [],
    problems: [
      {
        severity: 'error',
        file: 'a.yaml',
        line: 4,
        column: 17,
        path: 'spec.ports[0].prot',
        message: 'unknown field "prot"; did you mean "port"?',
      },
    ],
  });
});

test('neither a dry run nor an analysis changes anything', async () => {
  const { store, post } = setUp();
  await post('/apply?dryRun=1', { files: { 'a.yaml': SERVICE } });
  await post('/analyze', { files: { 'a.yaml': SERVICE } }, 'none');
  expect(store.view().all).toEqual([]);
});

test('a resource is given back as it was written', async () => {
  const { post, get } = setUp();
  await post('/apply', { files: { 'a.yaml': `# first\n---\n${SERVICE}` } });
  expect(await get('/resources?kind=service&namespace=default&name=reviews')).toMatchObject([
    { kind: 'Service', apiVersion: 'v1', name: 'reviews', file: 'a.yaml', line: 3, yaml: SERVICE.trim(), problems: [] },
  ]);
  expect(await get('/resources?kind=gateway')).toEqual([]);
});

test('deleting what is not there answers 404', async () => {
  expect((await setUp().post('/delete', { resources: [{ kind: 'Service', name: 'nobody' }] })).status).toBe(404);
});

test('problems hold what is wrong with watched files', async () => {
  const { store, get } = setUp();
  store.replaceFiles(new Map([['w.yaml', 'kind: [']]));
  expect(await get('/problems')).toMatchObject([{ severity: 'error', file: 'w.yaml' }]);
});

test('a resource is shown with what is wrong between it and others, and not with what is wrong elsewhere', async () => {
  const wrong = { severity: 'warning', code: 'IST0109', path: 'spec', message: 'is ignored', file: 'a.yaml', line: 1, column: 1 } as const;
  const { post, get } = setUp([
    { ...wrong, resource: 'Service default/reviews' },
    { ...wrong, resource: 'Service default/ratings' },
  ]);
  await post('/apply', { files: { 'a.yaml': SERVICE } });
  expect(await get('/resources')).toMatchObject([{ name: 'reviews', problems: [{ resource: 'Service default/reviews' }] }]);
});
