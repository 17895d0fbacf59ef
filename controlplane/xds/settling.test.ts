import { expect, test } from 'vitest';
import { simulatedSystem } from '#system/simulated-system.ts';
import { Settling } from './settling.ts';

const setUp = () => {
  const { clock } = simulatedSystem();
  const settling = new Settling(clock);
  const resumed: string[] = [];
  return { clock, settling, resumed, wait: (name: string) => settling.whenOver(() => resumed.push(name)) };
};

test('those who come back are answered together, two seconds after the last of them', async () => {
  const { clock, resumed, wait } = setUp();
  wait('a');
  await clock.advance(1900);
  wait('b');
  await clock.advance(1999);
  expect(resumed).toEqual([]);
  await clock.advance(1);
  expect(resumed).toEqual(['a', 'b']);
});

test('nobody waits longer than fifteen seconds, and later nobody waits at all', async () => {
  const { clock, resumed, wait } = setUp();
  for (let i = 0; i < 15; i++) {
    wait(String(i));
    await clock.advance(1000);
  }
  expect(resumed).toContain('0');
  await clock.advance(0);
  wait('late');
  expect(resumed).toContain('late');
});

test('nobody is answered after the end', async () => {
  const { clock, settling, resumed, wait } = setUp();
  wait('a');
  settling.close();
  await clock.advance(20_000);
  expect(resumed).toEqual([]);
});
