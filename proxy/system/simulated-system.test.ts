import { expect, test } from 'vitest';
import type { Connection } from './network.ts';
import { simulatedSystem } from './simulated-system.ts';

test('timers fire in order of time, also those that were set by a timer', async () => {
  const { clock } = simulatedSystem();
  const seen: string[] = [];
  clock.after(20, () => seen.push(`b${clock.nowMs()}`));
  clock.after(10, () => clock.after(5, () => seen.push(`a${clock.nowMs()}`)));
  await clock.advance(30);
  expect(seen).toEqual(['a15', 'b20']);
  expect(clock.nowMs()).toBe(30);
});

test('bytes and the end of writing travel both ways before advance returns', async () => {
  const { network, clock } = simulatedSystem();
  const seen: string[] = [];
  await network.listen({ address: '10.0.0.1', port: 80 }, (connection) => {
    connection.on('data', (chunk) => connection.write(`echo ${chunk}`));
    connection.on('end', () => connection.end());
  });
  const connection = await network.connect({ address: '10.0.0.1', port: 80 }, { timeoutMs: 1000 });
  connection.on('data', (chunk) => seen.push(String(chunk)));
  connection.on('end', () => seen.push('end'));
  connection.end('hi');
  await clock.advance(0);
  expect(seen).toEqual(['echo hi', 'end']);
});

test('an address where nobody listens refuses', async () => {
  const { network } = simulatedSystem();
  await expect(network.connect({ address: '10.0.0.9', port: 1 }, { timeoutMs: 1 })).rejects.toMatchObject({ reason: 'refused' });
});

test('a reset is seen as ECONNRESET on the other side', async () => {
  const { network, clock } = simulatedSystem();
  let far: Connection | undefined;
  await network.listen({ address: '10.0.0.1', port: 80 }, (connection) => {
    far = connection;
  });
  const near = await network.connect({ address: '10.0.0.1', port: 80 }, { timeoutMs: 1000 });
  const errors: string[] = [];
  near.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code ?? ''));
  far?.resetAndDestroy();
  await clock.advance(0);
  expect(errors).toEqual(['ECONNRESET']);
});
