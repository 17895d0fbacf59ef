import { describe, expect, it } from 'vitest';
import { StreamError } from '../../http/stream-error.ts';
import { StreamRecord } from '../../http/stream-record.ts';
import { watchedCluster } from './watched-cluster.fixture.ts';

const NEAR = { address: '10.0.0.1', port: 80 };
const OUT = { maxEjectionPercent: 100 };
const withOutliers = (outlierDetection: object, more: object = {}) => ({
  outlierDetection: { ...OUT, ...outlierDetection },
  commonLbConfig: { healthyPanicThreshold: { value: 0 } },
  ...more,
});

describe('runs of failures', () => {
  it('eject a host at once, and the next request goes elsewhere', async () => {
    const { hosts, hit, send, flags, stat } = await watchedCluster(withOutliers({ consecutive5xx: 5 }));
    const [bad, good] = hosts as [(typeof hosts)[0], (typeof hosts)[0]];
    bad.answer = 500;
    await hit(bad, 4);
    expect(flags(bad)).toBe(false);
    await hit(bad, 1);
    expect(flags(bad)).toBe(true);
    const later = [await send(), await send(), await send()];
    expect(later.map(({ host }) => host)).toEqual([good.key, good.key, good.key]);
    expect([stat('membership_healthy'), stat('membership_total'), stat('outlier_detection.ejections_active')]).toEqual([1, 2, 1]);
  });

  it('begin anew with anything that is no 5xx', async () => {
    const { hosts, hit, flags } = await watchedCluster(withOutliers({ consecutive5xx: 5 }));
    const [bad] = hosts as [(typeof hosts)[0]];
    for (const answer of [500, 404, 500]) {
      bad.answer = answer;
      await hit(bad, answer === 404 ? 1 : 4);
    }
    expect(flags(bad)).toBe(false);
    await hit(bad, 1);
    expect(flags(bad)).toBe(true);
  });

  it('of gateway errors count 502, 503 and 504 alone', async () => {
    const { hosts, hit, flags, stat } = await watchedCluster(
      withOutliers({
        consecutive5xx: 3,
        enforcingConsecutive5xx: 0,
        consecutiveGatewayFailure: 3,
        enforcingConsecutiveGatewayFailure: 100,
      }),
    );
    const [bad] = hosts as [(typeof hosts)[0]];
    bad.answer = 500;
    await hit(bad, 3);
    expect(flags(bad)).toBe(false);
    bad.answer = 503;
    await hit(bad, 2);
    bad.answer = 500;
    await hit(bad, 1);
    bad.answer = 504;
    await hit(bad, 2);
    expect(flags(bad)).toBe(false);
    await hit(bad, 1);
    expect(flags(bad)).toBe(true);
    expect(stat('outlier_detection.ejections_enforced_consecutive_gateway_failure')).toBe(1);
  });

  it('are never long enough where their number is 0', async () => {
    const { hosts, hit, flags } = await watchedCluster(withOutliers({ consecutive5xx: 0 }));
    const [bad] = hosts as [(typeof hosts)[0]];
    bad.answer = 500;
    await hit(bad, 20);
    expect(flags(bad)).toBe(false);
  });

  it('are made of refused connections and resets, too', async () => {
    const { hosts, hit, flags } = await watchedCluster(withOutliers({ consecutive5xx: 4 }));
    const [bad] = hosts as [(typeof hosts)[0]];
    bad.answer = 'reset';
    await hit(bad, 2);
    await bad.refuse();
    await hit(bad, 1);
    expect(flags(bad)).toBe(false);
    await hit(bad, 1);
    expect(flags(bad)).toBe(true);
  });

  it('are made of requests given up for time, but not of those that still waited for a connection', async () => {
    const { hosts, cluster, send, flags, system } = await watchedCluster(
      withOutliers({ consecutive5xx: 2 }, { circuitBreakers: { thresholds: [{ maxConnections: 1 }] } }),
      { hosts: 1 },
    );
    const [bad] = hosts as [(typeof hosts)[0]];
    bad.answer = 'silence';
    const streams = [1, 2, 3].map((id) => new StreamRecord(id, { id, local: NEAR, remote: NEAR }, 0, 0));
    const late = new StreamError('UT', { codeDetails: 'response_timeout' });
    const controllers = streams.map(() => new AbortController());
    const sent = streams.map((stream, index) => {
      Object.defineProperty(stream, 'signal', { value: controllers[index]?.signal });
      return send({}, stream);
    });
    await system.clock.advance(0);
    for (const index of [1, 2, 0]) controllers[index]?.abort(late);
    await Promise.all(sent);
    expect(cluster().hosts.get(bad.key)?.outlier?.consecutive5xx).toBe(1);
    expect(flags(bad)).toBe(false);
    expect(cluster().hosts.get(bad.key)).toMatchObject({ timeouts: 1, errors: 1 });
  });

  it('do not grow when the cluster has no room', async () => {
    const limits = { circuitBreakers: { thresholds: [{ maxRequests: 0 }] } };
    const { hosts, send, cluster } = await watchedCluster(withOutliers({ consecutive5xx: 1 }, limits));
    for (let i = 0; i < 4; i++) expect((await send()).outcome).toMatchObject({ flag: 'UO' });
    expect(hosts.map(({ key }) => cluster().hosts.get(key)?.outlier?.consecutive5xx)).toEqual([0, 0]);
  });

  it('count a gRPC status in the head as the HTTP status that it stands for', async () => {
    const { hosts, send, flags } = await watchedCluster(withOutliers({ consecutive5xx: 2 }), { hosts: 1 });
    const [bad] = hosts as [(typeof hosts)[0]];
    const { HeaderMap } = await import('../../http/header-map.ts');
    const call = { headers: HeaderMap.of(['content-type', 'application/grpc']) };
    for (const status of [14, 5, 14]) {
      bad.answer = `HTTP/1.1 200 OK\r\ngrpc-status: ${status}\r\ncontent-length: 0\r\n\r\n`;
      await send(call);
    }
    expect(flags(bad)).toBe(false);
    await send(call);
    expect(flags(bad)).toBe(true);
  });

  it('end with a return', async () => {
    const { hosts, hit, flags, system, cluster } = await watchedCluster(withOutliers({ consecutive5xx: 2, consecutiveGatewayFailure: 5 }));
    const [bad] = hosts as [(typeof hosts)[0]];
    bad.answer = 503;
    await hit(bad, 2);
    expect(flags(bad)).toBe(true);
    expect(cluster().hosts.get(bad.key)?.outlier?.consecutiveGatewayFailure).toBe(2);
    await system.clock.advance(30_000);
    expect(flags(bad)).toBe(false);
    expect(cluster().hosts.get(bad.key)?.outlier?.consecutiveGatewayFailure).toBe(0);
    await hit(bad, 1);
    expect(flags(bad)).toBe(false);
  });
});

describe('failures to reach a host, where they are counted by themselves', () => {
  const split = { splitExternalLocalOriginErrors: true, consecutive5xx: 3, consecutiveLocalOriginFailure: 2 };

  it('eject by their own number, and do not make a run of 5xx longer', async () => {
    const { hosts, hit, flags, stat } = await watchedCluster(withOutliers(split));
    const [bad] = hosts as [(typeof hosts)[0]];
    bad.answer = 500;
    await hit(bad, 2);
    await bad.refuse();
    bad.answer = 'reset';
    await hit(bad, 1);
    expect(flags(bad)).toBe(false);
    await hit(bad, 2);
    expect(flags(bad)).toBe(true);
    expect(stat('outlier_detection.ejections_enforced_consecutive_local_origin_failure')).toBe(1);
    expect(stat('outlier_detection.ejections_enforced_consecutive_5xx')).toBe(0);
  });

  it('begin anew with a connection, whatever is answered on it', async () => {
    const { hosts, hit, flags, cluster } = await watchedCluster(withOutliers(split));
    const [bad] = hosts as [(typeof hosts)[0]];
    await bad.refuse();
    await hit(bad, 1);
    await bad.open();
    bad.answer = 500;
    await hit(bad, 1);
    expect(cluster().hosts.get(bad.key)?.outlier).toMatchObject({ consecutiveLocalOriginFailure: 0, consecutive5xx: 1 });
    expect(flags(bad)).toBe(false);
  });
});

describe('connections that only carry bytes', () => {
  it('count: refused ones against a host, open ones for it', async () => {
    const { hosts, cluster, flags } = await watchedCluster(withOutliers({ consecutive5xx: 2 }), { hosts: 1 });
    const [bad] = hosts as [(typeof hosts)[0]];
    const dial = () =>
      cluster()
        .connectForBytes(NEAR, { signal: new AbortController().signal })
        .then(
          (opened) => opened?.connection.destroy(),
          () => {},
        );
    await bad.refuse();
    await dial();
    await bad.open();
    await dial();
    expect(cluster().hosts.get(bad.key)?.outlier?.consecutive5xx).toBe(0);
    await bad.refuse();
    await dial();
    expect(flags(bad)).toBe(false);
    await dial();
    expect(flags(bad)).toBe(true);
  });
});
