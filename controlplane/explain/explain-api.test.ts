import { expect, test } from 'vitest';
import type { ProxyNode } from '../mesh/mesh.ts';
import { createExplainApi } from './explain-api.ts';

const REVIEWS: ProxyNode = {
  ...{ id: 'x', type: 'sidecar', ip: '127.0.0.1', workload: 'reviews-v1', namespace: 'default' },
  ...{ labels: {}, serviceAccount: 'default', appPorts: {} },
};
const mesh = {
  authorizationPolicies: [],
  requestAuthentications: [],
  config: { rootNamespace: 'istio-system', trustDomain: 'cluster.local', trustDomainAliases: [] },
};
const api = createExplainApi({ mesh: () => mesh as never, proxies: () => [REVIEWS] });
const post = (body: string) => api.request('/explain', { method: 'POST', body });

test('a workload and facts become a story', async () => {
  const answer = await post(JSON.stringify({ workload: 'reviews-v1.default', facts: { method: 'GET' } }));
  expect(await answer.json()).toMatchObject({ verdict: 'allowed', decidedBy: '' });
});

test.each([
  ['{', 400],
  ['[]', 400],
  ['{"workload":"reviews-v1","facts":7}', 400],
  ['{"workload":"other","facts":{}}', 404],
  [`{"workload":"reviews-v1","facts":{"path":"${'a'.repeat(70_000)}"}}`, 413],
])('%.40s is answered %i', async (body, status) => {
  expect((await post(body)).status).toBe(status);
});
