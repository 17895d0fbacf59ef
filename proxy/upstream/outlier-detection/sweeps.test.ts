import { describe, expect, it } from 'vitest';
import { seededRandom } from '#system/random.ts';
import { type TestHost, watchedCluster } from './watched-cluster.fixture.ts';

const NO_PANIC = { commonLbConfig: { healthyPanicThreshold: { value: 0 } } };
const one = { consecutive5xx: 1, maxEjectionPercent: 100 };
const withOutliers = (outlierDetection: object) => ({ outlierDetection: { ...one, ...outlierDetection }, ...NO_PANIC });

type Room = Awaited<ReturnType<typeof watchedCluster>>;

/** Fails once on that host, so that it is ejected. */
const strike = async ({ hit }: Room, host: TestHost): Promise<void> => {
  host.answer = 500;
  await hit(host, 1);
  host.answer = 200;
};

/** Ejected hosts, by number. */
const out = ({ hosts, flags }: Room): number[] => hosts.flatMap((host, index) => (flags(host) ? [index] : []));

describe('an ejection', () => {
  it('ends with the first sweep after its time', async () => {
    const room = await watchedCluster(withOutliers({ interval: '10s', baseEjectionTime: '12s' }));
    await room.system.clock.advance(3_000);
    await strike(room, room.hosts[0] as TestHost);
    await room.system.clock.advance(16_999);
    expect(out(room)).toEqual([0]);
    await room.system.clock.advance(1);
    expect(out(room)).toEqual([]);
    expect(room.stat('membership_healthy')).toBe(2);
  });

  it('lasts as many base times as there were ejections, and no longer than the longest', async () => {
    const room = await watchedCluster(withOutliers({ interval: '1s', baseEjectionTime: '10s', maxEjectionTime: '25s' }));
    const [bad] = room.hosts as [TestHost];
    const lengths: number[] = [];
    for (let round = 0; round < 4; round++) {
      await strike(room, bad);
      let seconds = 0;
      for (; out(room).length > 0; seconds++) await room.system.clock.advance(1_000);
      lengths.push(seconds);
    }
    expect(lengths).toEqual([10, 20, 25, 25]);
  });

  it('is forgiven step by step by quiet intervals', async () => {
    const room = await watchedCluster(withOutliers({ interval: '1s', baseEjectionTime: '10s' }));
    const [bad] = room.hosts as [TestHost];
    const multiplier = () => room.cluster().hosts.get(bad.key)?.outlier?.multiplier;
    for (const length of [10_000, 20_000]) {
      await strike(room, bad);
      await room.system.clock.advance(length);
    }
    expect([out(room), multiplier()]).toEqual([[], 2]);
    await room.system.clock.advance(1_000);
    expect(multiplier()).toBe(1);
    await room.system.clock.advance(5_000);
    expect(multiplier()).toBe(0);
    await strike(room, bad);
    await room.system.clock.advance(10_000);
    expect(out(room)).toEqual([]);
  });

  it('gets a random part of the jitter on top, the same for the same seed', async () => {
    const length = async (seed: number): Promise<number> => {
      const room = await watchedCluster(withOutliers({ interval: '1s', baseEjectionTime: '10s', maxEjectionTimeJitter: '20s' }), { seed });
      await strike(room, room.hosts[0] as TestHost);
      let seconds = 0;
      for (; out(room).length > 0; seconds++) await room.system.clock.advance(1_000);
      return seconds;
    };
    const lengths = [await length(1), await length(2), await length(3), await length(1)];
    expect(lengths[3]).toBe(lengths[0]);
    expect(new Set(lengths).size).toBeGreaterThan(1);
    expect(lengths.every((seconds) => seconds >= 10 && seconds <= 30)).toBe(true);
  });

  it('is told with its type, number and end, and so is the return', async () => {
    const room = await watchedCluster(withOutliers({ interval: '10s', baseEjectionTime: '30s' }));
    const [bad] = room.hosts as [TestHost];
    await strike(room, bad);
    await room.system.clock.advance(30_000);
    const until = new Date(Date.UTC(2026, 0, 1) + 30_000).toISOString();
    expect(room.events('outlier.ejected')).toEqual([
      { cluster: 'echo', host: bad.key, ejections: 1, type: 'CONSECUTIVE_5XX', enforced: true, until },
    ]);
    expect(room.events('outlier.returned')).toEqual([{ cluster: 'echo', host: bad.key, ejections: 1, secs_since_last_action: 30 }]);
  });

  it('is a line of a file where one is named, in the shape of Envoy’s', async () => {
    const room = await watchedCluster(withOutliers({ interval: '10s', baseEjectionTime: '30s' }), { ejectionLogPath: '/ejections' });
    const [bad] = room.hosts as [TestHost];
    await strike(room, bad);
    await room.system.clock.advance(30_000);
    const common = { cluster_name: 'echo', upstream_url: bad.key, type: 'CONSECUTIVE_5XX', num_ejections: 1 };
    expect(room.system.lines.map(({ path, line }) => ({ path, ...JSON.parse(line) }))).toEqual([
      {
        path: '/ejections',
        timestamp: '2026-01-01T00:00:00.000Z',
        ...common,
        action: 'EJECT',
        enforced: true,
        eject_consecutive_event: {},
      },
      {
        path: '/ejections',
        timestamp: '2026-01-01T00:00:30.000Z',
        ...common,
        action: 'UNEJECT',
        enforced: false,
        secs_since_last_action: '30',
      },
    ]);
  });

  it('is only found, and counted, where nothing is enforced', async () => {
    const room = await watchedCluster(withOutliers({ enforcingConsecutive5xx: 0 }));
    await strike(room, room.hosts[0] as TestHost);
    expect(out(room)).toEqual([]);
    expect(room.stat('outlier_detection.ejections_detected_consecutive_5xx')).toBe(1);
    expect(room.stat('outlier_detection.ejections_enforced_total')).toBe(0);
    expect(room.events('outlier.ejected')).toMatchObject([{ enforced: false, ejections: 0 }]);
  });

  it('is enforced in the share of cases that is asked for', async () => {
    const room = await watchedCluster(withOutliers({ enforcingConsecutive5xx: 30, baseEjectionTime: '1s', interval: '1s' }), {
      hosts: 1,
    });
    const [bad] = room.hosts as [TestHost];
    for (let i = 0; i < 200; i++) {
      await strike(room, bad);
      await room.system.clock.advance(1_000);
    }
    const enforced = room.stat('outlier_detection.ejections_enforced_total') ?? 0;
    expect(enforced).toBeGreaterThan(40);
    expect(enforced).toBeLessThan(80);
  });
});

describe('how many may be out', () => {
  it.each([
    [10, 2, 0],
    [10, 9, 0],
    [10, 10, 1],
    [50, 1, 0],
    [50, 2, 1],
    [50, 3, 1],
    [50, 4, 2],
    [100, 3, 3],
  ])('at %i %% of %i hosts: %i', async (maxEjectionPercent, count, expected) => {
    const room = await watchedCluster(withOutliers({ maxEjectionPercent }), { hosts: count });
    for (const host of room.hosts) host.answer = 500;
    for (let i = 0; i < 200; i++) await room.send();
    expect(out(room).length).toBe(expected);
    expect(room.stat('outlier_detection.ejections_active')).toBe(expected);
    const overflow = room.stat('outlier_detection.ejections_overflow') ?? 0;
    if (expected < count) expect(overflow).toBeGreaterThan(0);
    else expect(overflow).toBe(0);
    expect(room.cluster().outliers?.mayBeEjected).toBe(expected);
  });

  it('is one at least where the configuration says so', async () => {
    const room = await watchedCluster(withOutliers({ maxEjectionPercent: 0, alwaysEjectOneHost: true }), { hosts: 3 });
    for (const host of room.hosts) host.answer = 500;
    for (let i = 0; i < 50; i++) await room.send();
    expect(out(room).length).toBe(1);
  });

  it('is 10 % unless somebody says otherwise, and that is nobody of two', async () => {
    const room = await watchedCluster({ outlierDetection: { consecutive5xx: 1 } });
    await strike(room, room.hosts[0] as TestHost);
    expect(out(room)).toEqual([]);
  });
});

describe('when everybody is out', () => {
  it('there is nobody to send to where panic is off', async () => {
    const room = await watchedCluster(withOutliers({}));
    for (const host of room.hosts) await strike(room, host);
    expect((await room.send()).outcome).toMatchObject({ flag: 'UH', status: 503 });
  });

  it('health is not looked at where it is on', async () => {
    const room = await watchedCluster({ outlierDetection: one, commonLbConfig: { healthyPanicThreshold: { value: 50 } } });
    for (const host of room.hosts) await strike(room, host);
    const [first] = room.hosts as [TestHost];
    expect(out(room)).toEqual([0, 1]);
    await room.hit(first, 1);
    expect(room.stat('lb_healthy_panic')).toBeGreaterThan(0);
  });
});

describe('living state', () => {
  it('survives other endpoints and another configuration', async () => {
    const room = await watchedCluster(withOutliers({ consecutive5xx: 3 }), { hosts: 3 });
    const [first, second] = room.hosts as [TestHost, TestHost];
    first.answer = 500;
    await room.hit(first, 3);
    second.answer = 500;
    await room.hit(second, 2);
    room.endpoints([1, 2]);
    room.change([1, 2], { connectTimeout: '2s' });
    expect(out(room)).toEqual([0]);
    expect(room.cluster().hosts.get(second.key)?.outlier?.consecutive5xx).toBe(2);
    await room.hit(second, 1);
    expect(out(room)).toEqual([0, 1]);
  });

  it('goes with its host: a host that comes again is new', async () => {
    const room = await watchedCluster(withOutliers({}), { hosts: 2 });
    await strike(room, room.hosts[0] as TestHost);
    room.endpoints([2]);
    expect([out(room), room.stat('outlier_detection.ejections_active')]).toEqual([[], 0]);
    room.endpoints([1, 2]);
    expect(out(room)).toEqual([]);
  });

  it('ends with its cluster, and nobody is counted any longer', async () => {
    const room = await watchedCluster(withOutliers({}), { hosts: 2 });
    await strike(room, room.hosts[0] as TestHost);
    room.manager.close();
    await room.system.clock.advance(60_000);
    expect(['membership_total', 'membership_healthy', 'outlier_detection.ejections_active'].map(room.stat)).toEqual([0, 0, 0]);
  });

  it('ends when nobody wants it any longer', async () => {
    const room = await watchedCluster(withOutliers({}), { hosts: 2 });
    await strike(room, room.hosts[0] as TestHost);
    room.change([1, 2], { outlierDetection: undefined });
    expect([out(room), room.stat('outlier_detection.ejections_active'), room.stat('membership_healthy')]).toEqual([[], 0, 2]);
    expect(room.cluster().outliers).toBeUndefined();
  });

  it('of a thousand hosts outlasts a thousand that come and go', async () => {
    const kept = Array.from({ length: 20 }, (_, index) => index + 1);
    const room = await watchedCluster(withOutliers({ maxEjectionPercent: 50 }), { hosts: 20 });
    for (const host of room.hosts.slice(0, 5)) await strike(room, host);
    const before = out(room);
    expect(before.length).toBe(5);
    const [slow] = room.hosts.slice(10) as [TestHost];
    slow.answer = 'silence';
    let busy = 0;
    for (let tries = 0; busy === 0 && tries < 200; tries++) {
      const sent = room.send();
      await room.system.clock.advance(0);
      busy = room.cluster().hosts.get(slow.key)?.activeRequests ?? 0;
      if (busy === 0) await sent;
    }
    for (let round = 1; round <= 4; round++) room.endpoints([...kept, ...Array.from({ length: 1000 }, (_, index) => 1000 * round + index)]);
    expect(room.stat('membership_total')).toBe(1020);
    expect(out(room)).toEqual(before);
    expect(room.cluster().hosts.get(slow.key)?.activeRequests).toBe(1);
    room.endpoints(kept);
    expect([room.stat('membership_total'), room.stat('membership_healthy')]).toEqual([20, 15]);
    expect([out(room), room.stat('outlier_detection.ejections_active')]).toEqual([before, 5]);
  });
});

describe('rates', () => {
  const rates = { consecutive5xx: 0, consecutiveGatewayFailure: 0, maxEjectionPercent: 100, interval: '10s' };

  /** So many requests to each host, of which so many fail. */
  const load = async (room: Room, failures: readonly number[], requests: number): Promise<void> => {
    for (const [index, host] of room.hosts.entries()) {
      const { outlier } = room.cluster().hosts.get(host.key) ?? {};
      for (let i = 0; i < requests; i++) outlier?.answered(i < (failures[index] ?? 0) ? 500 : 200);
    }
    await room.system.clock.advance(10_000);
  };

  it('a host far below the others is out at the sweep', async () => {
    const room = await watchedCluster(withOutliers(rates), { hosts: 5 });
    await load(room, [50, 0, 0, 0, 0], 100);
    expect(out(room)).toEqual([0]);
    expect(room.cluster().outliers?.averages.external).toMatchObject({ average: 90 });
    expect(room.cluster().outliers?.averages.external.threshold).toBeCloseTo(52);
    expect(room.events('outlier.ejected')).toMatchObject([
      {
        type: 'SUCCESS_RATE',
        host_success_rate: 50,
        cluster_average_success_rate: 90,
        cluster_success_rate_ejection_threshold: expect.closeTo(52),
      },
    ]);
    expect(room.stat('outlier_detection.ejections_enforced_success_rate')).toBe(1);
  });

  it.each([
    ['too few hosts', { hosts: 4, requests: 100 }],
    ['too few requests', { hosts: 5, requests: 99 }],
  ])('nobody is judged with %s', async (_, { hosts, requests }) => {
    const room = await watchedCluster(withOutliers(rates), { hosts });
    await load(room, [50], requests);
    expect(out(room)).toEqual([]);
    expect(room.cluster().outliers?.averages.external).toEqual({ average: -1, threshold: -1 });
  });

  it('of an interval are forgotten in the next', async () => {
    const room = await watchedCluster(withOutliers(rates), { hosts: 5 });
    await load(room, [60, 60, 60, 60, 60], 60);
    await load(room, [0, 0, 0, 0, 0], 60);
    expect(out(room)).toEqual([]);
  });

  it('a host that fails too often is out, whatever the others do', async () => {
    const percentage = { ...rates, enforcingSuccessRate: 0, enforcingFailurePercentage: 100, failurePercentageThreshold: 60 };
    const room = await watchedCluster(withOutliers({ ...percentage, failurePercentageMinimumHosts: 3 }), { hosts: 3 });
    await load(room, [30, 29, 50], 50);
    expect(out(room)).toEqual([0, 2]);
    expect(room.stat('outlier_detection.ejections_enforced_failure_percentage')).toBe(2);
  });

  it('of reaching a host are judged by themselves', async () => {
    const room = await watchedCluster(withOutliers({ ...rates, splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailure: 0 }), {
      hosts: 5,
    });
    for (const [index, host] of room.hosts.entries()) {
      const { outlier } = room.cluster().hosts.get(host.key) ?? {};
      for (let i = 0; i < 100; i++)
        if (index === 1 && i < 50) outlier?.failed();
        else outlier?.connected();
    }
    await room.system.clock.advance(10_000);
    expect(out(room)).toEqual([1]);
    expect(room.stat('outlier_detection.ejections_enforced_local_origin_success_rate')).toBe(1);
  });
});

it('never are more out than may be, and the gauge is the number of those out, whatever happens', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seededRandom(seed);
    const percent = random.below(101);
    const runs = { maxEjectionPercent: percent, consecutive5xx: 1 + random.below(3), interval: '1s', baseEjectionTime: '2s' };
    const split = random.chance(0.5) ? { splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailure: 1 } : {};
    const rates = { enforcingFailurePercentage: 100, failurePercentageRequestVolume: 2, failurePercentageMinimumHosts: 1 };
    const room = await watchedCluster(withOutliers({ ...runs, ...split, ...rates }), { hosts: 8, seed });
    let ports = room.hosts.map(({ port }) => port);
    for (let step = 0; step < 200; step++) {
      const before = out(room).length;
      const action = random.below(20);
      if (action === 0) await room.system.clock.advance(random.below(3_000));
      else if (action === 1) {
        ports = room.hosts.map(({ port }) => port).filter(() => random.chance(0.7));
        room.endpoints(ports);
      } else {
        const { outlier } = room.cluster().hosts.get(`10.0.0.1:${1 + random.below(8)}`) ?? {};
        const outcome = random.below(4);
        if (outcome < 2) outlier?.answered(outcome === 0 ? 503 : 200);
        else if (outcome === 2) outlier?.failed();
        else outlier?.connected();
      }
      const now = out(room).length;
      // Fewer hosts may leave a larger share out than before; nobody is added to it.
      if (now > before) expect((100 * now) / ports.length).toBeLessThanOrEqual(percent);
      expect([room.stat('outlier_detection.ejections_active'), room.cluster().outliers?.ejected]).toEqual([now, now]);
    }
  }
});
