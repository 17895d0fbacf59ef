import { expect, test } from 'vitest';
import { tokenGuard } from '../token-guard.ts';
import { createClockApi } from './clock-api.ts';

const api = createClockApi({ shift: (ms) => ms + 1, guard: tokenGuard('secret') });
const post = (body: unknown, token = 'secret') =>
  api.request('/clock', { method: 'POST', body: JSON.stringify(body), headers: { authorization: `Bearer ${token}` } });

test('time is put forward by who carries the token', async () => {
  expect(await (await post({ advanceMs: 30_000 })).json()).toEqual({ aheadMs: 30_001 });
  expect((await post({ advanceMs: 30_000 }, 'wrong')).status).toBe(401);
});

test.each([{}, { advanceMs: -1 }, { advanceMs: 1.5 }, { advanceMs: '5' }, { advanceMs: 1e15 }, []])('%j is no step', async (body) => {
  expect((await post(body)).status).toBe(400);
});
