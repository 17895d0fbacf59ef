import { expect, test } from 'vitest';
import { tokenGuard } from '../token-guard.ts';
import { folder, request, someSystem } from './ca.fixture.ts';
import { createIdentityApi } from './identity-api.ts';
import { openMeshAuthority } from './mesh-authority.ts';

const api = async (behind: readonly string[] = []) => {
  const config = { kind: 'folder', directory: folder(), address: { address: '127.0.0.1', port: 0 } } as const;
  const { authority, trustDomain } = await openMeshAuthority(config, 'cluster.local', someSystem().system);
  const app = createIdentityApi({ authority, trustDomain, guard: tokenGuard('secret'), behind: () => behind });
  const post = (path: string, body: unknown, token = 'secret') =>
    app.request(path, { method: 'POST', body: JSON.stringify(body), headers: { authorization: `Bearer ${token}` } });
  return { app, post, authority };
};

const REVIEWS = { namespace: 'default', serviceAccount: 'reviews', workload: 'reviews-v1' };

test('who carries the admin token gets a token for a workload; nobody else does', async () => {
  const { post, authority } = await api();
  const answer = (await (await post('/identity/tokens', REVIEWS)).json()) as { token: string };
  expect(answer).toEqual({
    token: expect.stringMatching(/^[\w-]{43}$/),
    spiffeId: 'spiffe://cluster.local/ns/default/sa/reviews',
    expiresInSeconds: 600,
  });
  expect(authority.redeem(answer.token)).toMatchObject({ identity: { serviceAccount: 'reviews' }, holder: 'reviews-v1' });
  expect((await post('/identity/tokens', REVIEWS, 'wrong')).status).toBe(401);
  expect((await post('/identity/rotation', { step: 'begin' }, 'wrong')).status).toBe(401);
});

test.each([
  {},
  [],
  null,
  { namespace: 'default' },
  { ...REVIEWS, namespace: 'a/b' },
  { ...REVIEWS, serviceAccount: '..' },
  { ...REVIEWS, workload: 5 },
])('%j is no workload', async (body) => {
  expect((await (await api()).post('/identity/tokens', body)).status).toBe(400);
});

test('the report names certificates and roots, and no key and no token', async () => {
  const { app, post, authority } = await api();
  const { token } = (await (await post('/identity/tokens', REVIEWS)).json()) as { token: string };
  await authority.issue({ ...authority.redeem(token), csr: request().csr, lifeSeconds: 60 });
  const text = await (await app.request('/identity/authority')).text();
  expect(JSON.parse(text)).toMatchObject({
    phase: 'steady',
    roots: [{ isSigning: true }],
    leaves: [{ holder: 'reviews-v1', rotations: 0 }],
  });
  expect(text).not.toMatch(/PRIVATE/);
  expect(text).not.toContain(token);
});

test('a step that is too early answers 409 with its reason, another word 400', async () => {
  const { post } = await api(['ratings-v1']);
  expect((await post('/identity/rotation', { step: 'begin' })).status).toBe(200);
  const early = await post('/identity/rotation', { step: 'switch' });
  expect([early.status, await early.json()]).toEqual([409, { error: 'these proxies do not trust the new root yet: ratings-v1' }]);
  for (const body of [{ step: 'force' }, { step: 'switch', importFrom: '/x' }, null])
    expect((await post('/identity/rotation', body)).status).toBe(400);
});
