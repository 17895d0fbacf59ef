import { expect, test } from 'vitest';
import { TrafficLog } from '#observability';
import { exchange, startSmallMesh } from '../small-mesh.fixture.ts';
import { waysOf } from './ways.ts';

test('ways hold what all proxies told of the requests, and the limits of the rules that decided', async () => {
  await using small = await startSmallMesh();
  const log = new TrafficLog(small.mesh, Date.now);
  const ruled = { ruleResource: 'VirtualService default/reviews', ruleField: 'spec.http[0]' };
  small.tell(exchange({ ...ruled, requestId: 'a' }));
  small.tell(exchange({ side: 'inbound', reporter: 'reviews-v2', requestId: 'a' }));
  small.tell(exchange({ requestId: 'somebody else’s' }));
  const { exchanges, limits } = await waysOf({ mesh: small.mesh, log }, ['a']);
  expect(exchanges.map(({ reporter }) => reporter).sort()).toEqual(['productpage-v1', 'reviews-v2']);
  expect(limits).toEqual([
    { reporter: 'productpage-v1', resource: 'VirtualService default/reviews', field: 'spec.http[0]', timeoutMs: 0, retries: 0 },
  ]);
  log.close();
});

test('more requests than are told at once are refused in words', async () => {
  await using small = await startSmallMesh();
  const log = new TrafficLog(small.mesh, Date.now);
  const ids = Array.from({ length: 51 }, (_, index) => `r${index}`);
  await expect(waysOf({ mesh: small.mesh, log }, ids)).rejects.toThrow('At most 50');
  log.close();
});
