import { describe, expect, it } from 'vitest';
import { type Answer, type TestHost, watchedCluster } from '../outlier-detection/watched-cluster.fixture.ts';

const CHECK = {
  timeout: '0.5s',
  interval: '1s',
  noTrafficInterval: '1s',
  unhealthyThreshold: 2,
  healthyThreshold: 3,
  httpHealthCheck: { path: '/healthz', host: 'echo.example' },
};
const NO_PANIC = { healthyPanicThreshold: { value: 0 } };
const checked = (check: object = {}, more: object = {}) => ({ healthChecks: [{ ...CHECK, ...check }], commonLbConfig: NO_PANIC, ...more });

type Room = Awaited<ReturnType<typeof watchedCluster>>;

const marks = ({ cluster }: Room, host: TestHost): string[] =>
  Object.entries(cluster().hosts.get(host.key)?.marks ?? {}).flatMap(([name, value]) => (value ? [name] : []));

const stats = (room: Room): Record<string, number | undefined> =>
  Object.fromEntries(
    ['attempt', 'success', 'failure', 'network_failure', 'passive_failure', 'verify_cluster', 'healthy', 'degraded'].map((name) => [
      name,
      room.stat(`health_check.${name}`),
    ]),
  );

/** A room with one host whose first check is over. */
const oneHost = async (config: object, answer: Answer = 200, endpoint: object = {}): Promise<{ room: Room; host: TestHost }> => {
  const room = await watchedCluster(config, { hosts: 1, endpoint, answer });
  const [host] = room.hosts as [TestHost];
  await room.system.clock.advance(0);
  return { room, host };
};

describe('a checked host', () => {
  it('is not used before its first check, and at once after it, whatever the threshold', async () => {
    const room = await watchedCluster(checked(), { hosts: 1 });
    const [host] = room.hosts as [TestHost];
    expect([marks(room, host), room.stat('membership_healthy')]).toEqual([['failedActiveCheck'], 0]);
    await room.system.clock.advance(0);
    expect([marks(room, host), room.stat('membership_healthy')]).toEqual([[], 1]);
    expect((await room.send()).status).toBe(200);
    expect(room.events('health-check.added')).toEqual([{ cluster: 'echo', host: host.key, checker: 'HTTP', first_check: true }]);
    expect(host.received[0]).toBe('GET /healthz HTTP/1.1\r\nhost: echo.example\r\nuser-agent: Envoy/HC\r\n\r\n');
  });

  it('fails after as many refused connections as the threshold says, and recovers after as many good answers', async () => {
    const { room, host } = await oneHost(checked({ reuseConnection: false }));
    await host.refuse();
    await room.system.clock.advance(1_000);
    expect(marks(room, host)).toEqual([]);
    await room.system.clock.advance(1_000);
    expect(marks(room, host)).toEqual(['failedActiveCheck']);
    expect((await room.send()).outcome).toMatchObject({ flag: 'UH' });
    expect(stats(room)).toEqual({
      attempt: 3,
      success: 1,
      failure: 2,
      network_failure: 2,
      passive_failure: 0,
      verify_cluster: 0,
      healthy: 0,
      degraded: 0,
    });
    expect(room.events('health-check.ejected')).toMatchObject([{ failure_type: 'NETWORK' }]);
    await host.open();
    await room.system.clock.advance(2_000);
    expect(marks(room, host)).toEqual(['failedActiveCheck']);
    await room.system.clock.advance(1_000);
    expect([marks(room, host), stats(room).healthy]).toEqual([[], 1]);
    expect(room.events('health-check.added')).toMatchObject([{ first_check: true }, { first_check: false }]);
  });

  it('fails with the first status that is not expected', async () => {
    const { room, host } = await oneHost(checked());
    host.answer = 503;
    await room.system.clock.advance(1_000);
    expect(marks(room, host)).toEqual(['failedActiveCheck']);
    expect(room.events('health-check.ejected')).toMatchObject([{ failure_type: 'ACTIVE', status: 503 }]);
  });

  it('fails after several statuses that may be tried again', async () => {
    const ranges = { expectedStatuses: [{ start: 200, end: 202 }], retriableStatuses: [{ start: 500, end: 600 }] };
    const { room, host } = await oneHost(checked({ httpHealthCheck: { path: '/', ...ranges } }), 201);
    expect(marks(room, host)).toEqual([]);
    host.answer = 503;
    await room.system.clock.advance(1_000);
    expect(marks(room, host)).toEqual([]);
    await room.system.clock.advance(1_000);
    expect(marks(room, host)).toEqual(['failedActiveCheck']);
  });

  it('that does not answer in time is marked so, as long as it does not answer otherwise', async () => {
    const { room, host } = await oneHost(checked());
    host.answer = 'silence';
    await room.system.clock.advance(1_000 + 500 + 1_000 + 499);
    expect(marks(room, host)).toEqual([]);
    await room.system.clock.advance(1);
    expect(marks(room, host).toSorted()).toEqual(['activeCheckTimedOut', 'failedActiveCheck']);
    expect(stats(room)).toMatchObject({ failure: 2, network_failure: 2 });
    host.answer = 500;
    await room.system.clock.advance(1_000);
    expect(marks(room, host)).toEqual(['failedActiveCheck']);
  });

  it('is asked over one connection, unless each check shall have its own', async () => {
    for (const [reuseConnection, connections] of [
      [true, 1],
      [false, 4],
    ] as const) {
      const { room, host } = await oneHost(checked({ reuseConnection }));
      await room.system.clock.advance(3_000);
      expect([host.received.length, host.connections]).toEqual([4, connections]);
    }
  });

  it('that calls itself degraded serves only when nobody better is left', async () => {
    const room = await watchedCluster(checked(), { hosts: 4 });
    const [weak, ...well] = room.hosts as [TestHost, ...TestHost[]];
    weak.answer = 'HTTP/1.1 200 OK\r\nx-envoy-degraded: \r\ncontent-length: 0\r\n\r\n';
    await room.system.clock.advance(0);
    expect([marks(room, weak), stats(room).degraded, room.stat('membership_degraded')]).toEqual([['degradedActiveCheck'], 1, 1]);
    for (let i = 0; i < 10; i++) expect((await room.send()).host).not.toBe(weak.key);
    for (const host of well) host.answer = 500;
    await room.system.clock.advance(1_000);
    expect((await room.send()).host).toBe(weak.key);
    weak.answer = 200;
    await room.system.clock.advance(1_000);
    expect([marks(room, weak), stats(room).degraded]).toEqual([[], 0]);
    expect(room.events('health-check.no-longer-degraded').length).toBe(1);
  });

  it('that says in an answer that it is ill is left out at once, until it passes its checks again', async () => {
    const { room, host } = await oneHost(checked());
    host.answer = 'HTTP/1.1 200 OK\r\nx-envoy-immediate-health-check-fail: true\r\ncontent-length: 0\r\n\r\n';
    expect((await room.send()).status).toBe(200);
    expect(marks(room, host).toSorted()).toEqual(['excludedAtOnce', 'failedActiveCheck']);
    expect([stats(room).passive_failure, room.stat('membership_excluded')]).toEqual([1, 1]);
    host.answer = 200;
    await room.system.clock.advance(3_000);
    expect(marks(room, host)).toEqual([]);
  });

  it('is looked at for what its answer holds, part by part', async () => {
    const receive = [{ text: '6f6b' }, { text: '2121' }];
    const { room, host } = await oneHost(
      checked({ httpHealthCheck: { path: '/', receive } }),
      'HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n..ok..!!',
    );
    expect(marks(room, host)).toEqual([]);
    host.answer = 'HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n..!!..ok';
    await room.system.clock.advance(1_000);
    expect(marks(room, host)).toEqual(['failedActiveCheck']);
  });

  it('must be of the service that is meant', async () => {
    const matcher = { serviceNameMatcher: { prefix: 'echo' } };
    const named = (name: string) => `HTTP/1.1 200 OK\r\nx-envoy-upstream-healthchecked-cluster: ${name}\r\ncontent-length: 0\r\n\r\n`;
    const { room, host } = await oneHost(checked({ httpHealthCheck: { path: '/', ...matcher } }), named('echo-v1'));
    expect(marks(room, host)).toEqual([]);
    host.answer = named('other');
    await room.system.clock.advance(1_000);
    expect([marks(room, host), stats(room).verify_cluster]).toEqual([['failedActiveCheck'], 2]);
  });

  it('gets the fields, method and payload that are configured', async () => {
    const http = {
      path: '/',
      method: 'POST',
      send: { text: '6869' },
      requestHeadersToAdd: [{ header: { key: 'X-A', value: '1' } }, { header: { key: 'user-agent', value: 'me' }, appendAction: 2 }],
    };
    const { host } = await oneHost(checked({ httpHealthCheck: http }));
    expect(host.received[0]).toBe('POST / HTTP/1.1\r\nhost: echo\r\nuser-agent: me\r\nx-a: 1\r\ncontent-length: 2\r\n\r\nhi');
  });

  it('is checked where its endpoint says, or not at all', async () => {
    const { room, host } = await oneHost(checked(), 200, { healthCheckConfig: { portValue: 9, hostname: 'own.example' } });
    expect([marks(room, host), host.received.length]).toEqual([['failedActiveCheck'], 0]);
    const quiet = await oneHost(checked(), 200, { healthCheckConfig: { disableActiveHealthCheck: true } });
    expect([marks(quiet.room, quiet.host), quiet.host.received.length]).toEqual([[], 0]);
  });

  it('is not counted at all before its first check where that is wanted', async () => {
    const room = await watchedCluster(checked({}, { commonLbConfig: { ...NO_PANIC, ignoreNewHostsUntilFirstHc: true } }), { hosts: 2 });
    expect([room.stat('membership_excluded'), room.stat('membership_healthy')]).toEqual([2, 0]);
    expect((await room.send()).outcome).toMatchObject({ flag: 'UH' });
    (room.hosts[0] as TestHost).answer = 500;
    await room.system.clock.advance(0);
    expect([room.stat('membership_excluded'), room.stat('membership_healthy')]).toEqual([0, 1]);
  });

  it('comes back from ejection with a check that passes, unless it shall not', async () => {
    for (const successfulActiveHealthCheckUnejectHost of [true, false]) {
      const outliers = { consecutive5xx: 1, maxEjectionPercent: 100, successfulActiveHealthCheckUnejectHost };
      const { room, host } = await oneHost(checked({}, { outlierDetection: outliers }));
      host.answer = 500;
      await room.send();
      expect(marks(room, host)).toEqual(['failedOutlierCheck']);
      host.answer = 200;
      await room.system.clock.advance(1_000);
      expect(marks(room, host)).toEqual(successfulActiveHealthCheckUnejectHost ? [] : ['failedOutlierCheck']);
    }
  });

  it('stays when it is not configured any longer, for as long as its checks pass', async () => {
    const room = await watchedCluster(checked(), { hosts: 2 });
    const [gone] = room.hosts as [TestHost];
    await room.system.clock.advance(0);
    room.endpoints([2]);
    expect([marks(room, gone), room.stat('membership_total')]).toEqual([['pendingRemoval'], 2]);
    await room.hit(gone, 1);
    gone.answer = 500;
    await room.system.clock.advance(1_000);
    expect([room.stat('membership_total'), room.stat('membership_healthy')]).toEqual([1, 1]);
    expect(stats(room).healthy).toBe(1);
    room.endpoints([1, 2]);
    expect(marks(room, gone)).toEqual(['failedActiveCheck']);
  });

  it('goes at once when it is not configured any longer, where health shall not matter', async () => {
    const room = await watchedCluster(checked({}, { ignoreHealthOnHostRemoval: true }), { hosts: 2 });
    await room.system.clock.advance(0);
    room.endpoints([2]);
    expect([room.stat('membership_total'), stats(room).healthy]).toEqual([1, 1]);
  });

  it('is forgotten by its checks when nobody wants them any longer, and serves', async () => {
    const { room, host } = await oneHost(checked(), 500);
    expect(marks(room, host)).toEqual(['failedActiveCheck']);
    room.change([1], { healthChecks: [] });
    await room.system.clock.advance(10_000);
    expect([marks(room, host), host.received.length, stats(room).healthy]).toEqual([[], 1, 0]);
    expect((await room.send()).status).toBe(500);
  });

  it('that serves already is not put aside when checks begin', async () => {
    const room = await watchedCluster({ commonLbConfig: NO_PANIC }, { hosts: 1 });
    const [host] = room.hosts as [TestHost];
    room.change([1], checked());
    expect(marks(room, host)).toEqual([]);
    host.answer = 500;
    await room.system.clock.advance(0);
    expect(marks(room, host)).toEqual(['failedActiveCheck']);
  });
});

describe('the time between checks', () => {
  const times = async (check: object, answers: readonly Answer[], traffic = true): Promise<number[]> => {
    const room = await watchedCluster(checked(check), { hosts: 1 });
    const [host] = room.hosts as [TestHost];
    host.answer = answers[0] ?? 200;
    await room.system.clock.advance(0);
    if (traffic) {
      host.answer = 200;
      await room.send();
      await room.system.clock.advance(0);
      host.received.length = 1;
    }
    const gaps: number[] = [];
    for (const [index, answer] of answers.entries()) {
      host.answer = answer;
      const before = host.received.length;
      let ms = 0;
      if (index > 0) for (; host.received.length === before && ms < 100_000; ms += 100) await room.system.clock.advance(100);
      if (index > 0) gaps.push(ms);
    }
    return gaps;
  };

  it('is longer for a cluster that was never used', async () => {
    expect(await times({ noTrafficInterval: undefined }, [200, 200], false)).toEqual([60_000]);
    expect(await times({ noTrafficInterval: '5s', noTrafficHealthyInterval: '9s' }, [200, 200, 500, 500], false)).toEqual([
      9_000, 9_000, 5_000,
    ]);
  });

  it('follows how the host does, and whether that is about to change', async () => {
    const check = { unhealthyInterval: '3s', unhealthyEdgeInterval: '2s', healthyEdgeInterval: '4s', healthyThreshold: 2 };
    expect(await times(check, [200, 200, 500, 500, 200, 200, 200])).toEqual([1_000, 1_000, 3_000, 3_000, 4_000, 1_000]);
    const retriable = { httpHealthCheck: { path: '/', retriableStatuses: [{ start: 500, end: 501 }] } };
    expect(await times({ ...check, ...retriable }, [200, 500, 500, 500])).toEqual([1_000, 2_000, 3_000]);
  });

  it('varies by the jitter, the same for the same seed', async () => {
    const gaps = async () =>
      times(
        { intervalJitter: '2s', intervalJitterPercent: 100 },
        Array.from({ length: 12 }, () => 200),
      );
    const [first, again] = [await gaps(), await gaps()];
    expect(again).toEqual(first);
    expect(new Set(first).size).toBeGreaterThan(3);
    expect(first.every((ms) => ms >= 1_000 && ms <= 4_100)).toBe(true);
  });

  it('begins after a random part of the initial jitter', async () => {
    const room = await watchedCluster(checked({ initialJitter: '30s' }), { hosts: 3 });
    await room.system.clock.advance(0);
    const early = room.hosts.map(({ received }) => received.length);
    await room.system.clock.advance(30_000);
    expect(early).toEqual([0, 0, 0]);
    expect(room.hosts.every(({ received }) => received.length > 0)).toBe(true);
  });
});

describe('a TCP check', () => {
  it('is passed with a connection', async () => {
    const { room, host } = await oneHost(checked({ httpHealthCheck: undefined, tcpHealthCheck: {} }));
    expect([marks(room, host), host.received]).toEqual([[], []]);
    await host.refuse();
    await room.system.clock.advance(2_000);
    expect(marks(room, host)).toEqual(['failedActiveCheck']);
  });

  it('is passed with the bytes that are awaited, and without them only fails when the time is over', async () => {
    const tcp = { httpHealthCheck: undefined, tcpHealthCheck: { send: { text: '70696e67' }, receive: [{ text: '706f6e67' }] } };
    const { room, host } = await oneHost(checked(tcp), 'xpong');
    expect([marks(room, host), host.received]).toEqual([[], ['ping']]);
    host.answer = 'nope';
    await room.system.clock.advance(1_000 + 500 + 1_000 + 500);
    expect(marks(room, host).toSorted()).toEqual(['activeCheckTimedOut', 'failedActiveCheck']);
    host.answer = 'reset';
    await room.system.clock.advance(1_000);
    expect(marks(room, host)).toEqual(['failedActiveCheck']);
  });
});

describe('events', () => {
  it('are lines of a file where one is named, in the shape of Envoy’s', async () => {
    const { room, host } = await oneHost(
      checked({ eventLogPath: '/events', alwaysLogHealthCheckFailures: true, alwaysLogHealthCheckSuccess: true }),
    );
    await room.system.clock.advance(1_000);
    host.answer = 503;
    await room.system.clock.advance(2_000);
    const lines = room.system.lines.map(({ path, line }) => ({ path, ...JSON.parse(line) }));
    const common = { path: '/events', cluster_name: 'echo', health_checker_type: 'HTTP' };
    expect(lines).toMatchObject([
      {
        ...common,
        add_healthy_event: { first_check: true },
        host: { socket_address: { address: '10.0.0.1', port_value: 1 } },
        locality: { region: '', zone: '', sub_zone: '' },
      },
      { ...common, successful_health_check_event: {}, timestamp: '2026-01-01T00:00:01.000Z' },
      { ...common, eject_unhealthy_event: { failure_type: 'ACTIVE', http_status_code: 503 } },
      { ...common, health_check_failure_event: { failure_type: 'ACTIVE', first_check: false, http_status_code: 503 } },
      { ...common, health_check_failure_event: { failure_type: 'ACTIVE', first_check: false, http_status_code: 503 } },
    ]);
  });
});
