import { expect, it } from 'vitest';
import { shiftableClock } from '#system/shiftable-clock.ts';
import { simulatedSystem } from '#system/simulated-system.ts';
import { compileOutlierDetection } from './compile-outlier-detection.ts';
import { OutlierDetector } from './outlier-detector.ts';

it('a clock that is put forward lets hosts in at once whose time is over by then', () => {
  const system = { ...simulatedSystem(), clock: shiftableClock() };
  const rules = compileOutlierDetection({
    splitExternalLocalOriginErrors: false,
    monitors: [],
    consecutive5xx: 1,
    maxEjectionPercent: 100,
  });
  const room = { system, clusterName: 'echo', scope: system.metrics.scope('cluster', 'echo'), ejectionLogPath: '' };
  const detector = new OutlierDetector(rules, room);
  const marked: string[] = [];
  const watch = (key: string) => detector.watch({ key, mark: (_, value) => void marked.push(`${key} ${value}`) });
  const [first, second] = [watch('a'), watch('b')];
  first.answered(500);
  second.answered(500);
  system.clock.shift(29_000);
  expect([detector.ejected, marked]).toEqual([2, ['a true', 'b true']]);
  system.clock.shift(11_000);
  expect([detector.ejected, marked.slice(2)]).toEqual([0, ['a false', 'b false']]);
  first.answered(500);
  expect(detector.ejected).toBe(1);
  system.clock.shift(3_600_000);
  expect(detector.ejected).toBe(0);
  detector.close();
});
