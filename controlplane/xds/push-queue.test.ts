import { expect, test } from 'vitest';
import { simulatedSystem } from '#system/simulated-system.ts';
import { PushQueue } from './push-queue.ts';

const setUp = () => {
  const { clock } = simulatedSystem();
  const pushes: number[] = [];
  const queue = new PushQueue(clock, () => pushes.push(clock.nowMs()), { quietMs: 100, longestMs: 1000 });
  return { clock, pushes, queue };
};

test('changes that follow each other make one push, when it is quiet', async () => {
  const { clock, pushes, queue } = setUp();
  queue.request();
  await clock.advance(60);
  queue.request();
  await clock.advance(500);
  expect(pushes).toEqual([160]);
});

test('changes that never pause are pushed after the longest wait', async () => {
  const { clock, pushes, queue } = setUp();
  for (let i = 0; i < 30; i++) {
    queue.request();
    await clock.advance(50);
  }
  expect(pushes[0]).toBe(1000);
});

test('nothing is pushed after the end', async () => {
  const { clock, pushes, queue } = setUp();
  queue.request();
  queue.close();
  await clock.advance(500);
  expect(pushes).toEqual([]);
});
