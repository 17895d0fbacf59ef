import { describe, expect, it } from 'vitest';
import type { Body } from '../../http/body.ts';
import { type Call, heldCluster, httpOptions } from './pool.fixture.ts';

const limits = (thresholds: object, more: object = {}) => ({ circuitBreakers: { thresholds: [thresholds], ...more } });
const outcomes = (calls: readonly Call[]) => calls.map(({ outcome }) => outcome);

describe('limits of connections and of waiting requests', () => {
  it('admit one on the connection and one that waits; the next is refused at once', async () => {
    const { call, backend, settle, stat } = await heldCluster(limits({ maxConnections: 1, maxPendingRequests: 1 }));
    const calls = [await call(), await call(), await call()];
    expect(outcomes(calls)).toEqual(['open', 'open', 'UO']);
    expect(calls[2]?.error).toMatchObject({
      status: 503,
      text: 'upstream connect error or disconnect/reset before headers. reset reason: overflow',
      headers: [['x-envoy-overloaded', 'true']],
    });
    expect([backend.connections.length, backend.requests]).toEqual([1, 1]);
    expect([stat('upstream_rq_pending_overflow'), stat('upstream_cx_overflow'), stat('upstream_rq_pending_active')]).toEqual([1, 1, 1]);
    expect([stat('circuit_breakers.default.cx_open'), stat('circuit_breakers.default.rq_pending_open')]).toEqual([1, 1]);
    backend.answer();
    await settle();
    expect([outcomes(calls), stat('circuit_breakers.default.rq_pending_open')]).toEqual([[200, 'open', 'UO'], 0]);
  });

  it('count a request as waiting while its connection is being opened', async () => {
    const { call, stat } = await heldCluster(limits({ maxPendingRequests: 0 }));
    expect([(await call()).outcome, stat('upstream_cx_total'), stat('upstream_rq_pending_overflow')]).toEqual(['UO', 0, 1]);
  });

  it('of connections alone: all the others wait, and none is refused', async () => {
    const { call, backend, settle, stat } = await heldCluster(limits({ maxConnections: 1 }));
    const calls: Call[] = [];
    for (let i = 0; i < 10; i++) calls.push(await call());
    expect([backend.connections.length, stat('upstream_rq_pending_active'), stat('upstream_cx_overflow')]).toEqual([1, 9, 9]);
    for (let i = 0; i < 10; i++) {
      backend.answer();
      await settle();
    }
    expect(outcomes(calls)).toEqual(new Array(10).fill(200));
  });

  it('hold for each host, too', async () => {
    const config = limits({}, { perHostThresholds: [{ maxConnections: 1 }] });
    const { call, backends, stat } = await heldCluster(config, [80, 81]);
    for (let i = 0; i < 4; i++) await call();
    expect(backends.map(({ connections }) => connections.length)).toEqual([1, 1]);
    expect([stat('upstream_rq_pending_active'), stat('upstream_cx_overflow')]).toEqual([2, 2]);
  });

  it('give a host without any connection one of its own: nobody waits for ever', async () => {
    const { call, backends } = await heldCluster(limits({ maxConnections: 1 }), [80, 81]);
    await call();
    await call();
    expect(backends.map(({ connections }) => connections.length)).toEqual([1, 1]);
  });

  it('let the next in when one that waits gives up', async () => {
    const { call, settle, stat } = await heldCluster(limits({ maxConnections: 1, maxPendingRequests: 1 }));
    await call();
    const waits = await call();
    waits.stream.abortWith('DC', 'gone');
    await settle();
    expect([waits.outcome, stat('upstream_rq_cancelled'), stat('upstream_rq_pending_active')]).toEqual(['DC', 1, 0]);
    expect(outcomes([await call(), await call()])).toEqual(['open', 'UO']);
  });
});

describe('the limit of requests under way', () => {
  it('holds until the body is over, not only until the head came', async () => {
    const { call, backend, settle, stat } = await heldCluster(limits({ maxRequests: 1 }));
    const first = await call();
    const finish = backend.answerHead();
    await settle();
    expect([first.outcome, (await call()).outcome, stat('circuit_breakers.default.rq_open')]).toEqual(['head', 'UO', 1]);
    finish();
    await settle();
    expect([first.outcome, (await call()).outcome, stat('upstream_rq_active')]).toEqual([200, 'open', 1]);
  });

  it('is asked when a connection is there: the refused one leaves it behind, and the host is told nothing', async () => {
    const { call, backend, stat } = await heldCluster(limits({ maxRequests: 1 }));
    expect(outcomes([await call(), await call(), await call()])).toEqual(['open', 'UO', 'UO']);
    expect([backend.connections.length, backend.requests]).toEqual([2, 1]);
    expect([stat('upstream_rq_active_overflow'), stat('upstream_rq_pending_overflow')]).toEqual([2, 0]);
  });

  it('is free again after an answer that came before the whole request', async () => {
    const { call, backend, settle, stat } = await heldCluster(limits({ maxRequests: 1 }));
    const body: Body = { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) };
    const early = await call(undefined, { method: 'POST', body });
    backend.answer();
    await settle();
    expect([early.outcome, stat('upstream_rq_active'), stat('upstream_cx_destroy_local_with_active_rq')]).toEqual([200, 0, 1]);
    expect((await call()).outcome).toBe('open');
  });
});

describe('priorities', () => {
  it('have limits, connections and gauges of their own', async () => {
    const both = {
      thresholds: [
        { maxConnections: 1, maxPendingRequests: 1 },
        { priority: 'HIGH', maxConnections: 1, maxPendingRequests: 1 },
      ],
    };
    const { call, backend, stat } = await heldCluster({ circuitBreakers: both });
    const calls = [await call(), await call(), await call(), await call('high')];
    expect([outcomes(calls), backend.connections.length]).toEqual([['open', 'open', 'UO', 'open'], 2]);
    expect([stat('circuit_breakers.default.rq_pending_open'), stat('circuit_breakers.high.rq_pending_open')]).toEqual([1, 0]);
    expect(outcomes([await call('high'), await call('high')])).toEqual(['open', 'UO']);
    expect(stat('circuit_breakers.high.rq_pending_open')).toBe(1);
  });
});

describe('max_connection_pools', () => {
  it('refuses a host for which there is no pool left, until one is empty', async () => {
    const { call, backends, settle, stat } = await heldCluster(
      { ...limits({ maxConnectionPools: 1 }), maxRequestsPerConnection: 1 },
      [80, 81],
    );
    const calls = [await call(), await call()];
    expect([outcomes(calls), calls[1]?.error?.codeDetails]).toEqual([['open', 'UH'], 'no_healthy_upstream']);
    expect([stat('upstream_cx_pool_overflow'), stat('upstream_cx_none_healthy'), stat('circuit_breakers.default.cx_pool_open')]).toEqual([
      1, 0, 1,
    ]);
    for (const backend of backends) backend.answer();
    await settle();
    expect([stat('circuit_breakers.default.cx_pool_open'), (await call()).outcome]).toEqual([0, 'open']);
  });
});

describe('the life of a connection', () => {
  const common = (options: object) => httpOptions({ commonHttpProtocolOptions: options });

  it('ends after its last allowed request, which is told when that begins', async () => {
    const { call, backend, settle, stat } = await heldCluster(common({ maxRequestsPerConnection: 2 }));
    for (let i = 0; i < 6; i++) {
      await call();
      if (i === 1) expect(stat('upstream_cx_max_requests')).toBe(1);
      backend.answer();
      await settle();
    }
    expect([backend.connections.length, stat('upstream_cx_destroy_local'), stat('upstream_cx_active')]).toEqual([3, 3, 0]);
  });

  it('takes the newer field of the two that limit its requests', async () => {
    const { call, backend, settle } = await heldCluster({ maxRequestsPerConnection: 1, ...common({ maxRequestsPerConnection: 2 }) });
    for (let i = 0; i < 2; i++) {
      await call();
      backend.answer();
      await settle();
    }
    expect(backend.connections.length).toBe(1);
  });

  it('ends to the millisecond after its time of idleness, each by its own', async () => {
    const { call, backend, settle, stat, system } = await heldCluster(common({ idleTimeout: '10s' }));
    await call();
    await call();
    backend.answer();
    await system.clock.advance(3_000.25);
    backend.answer();
    await settle();
    await system.clock.advance(6_999);
    expect(stat('upstream_cx_idle_timeout')).toBe(0);
    await system.clock.advance(1);
    expect([stat('upstream_cx_idle_timeout'), stat('upstream_cx_active')]).toEqual([1, 1]);
    await system.clock.advance(2_999.75);
    expect([stat('upstream_cx_idle_timeout'), stat('upstream_cx_destroy_local')]).toEqual([1, 1]);
    await system.clock.advance(0.25);
    expect([stat('upstream_cx_idle_timeout'), stat('upstream_cx_destroy_local')]).toEqual([2, 2]);
  });

  it('ends at its greatest age, when idle at once and when busy with its exchange', async () => {
    const { call, backend, stat, settle, system } = await heldCluster(common({ maxConnectionDuration: '5s' }));
    const calls = [await call(), await call()];
    backend.answer();
    await system.clock.advance(4_999);
    expect(stat('upstream_cx_active')).toBe(2);
    await system.clock.advance(1);
    expect([stat('upstream_cx_max_duration_reached'), stat('upstream_cx_active'), outcomes(calls)]).toEqual([2, 1, [200, 'open']]);
    backend.answer();
    await settle();
    expect([outcomes(calls), stat('upstream_cx_active'), stat('upstream_cx_destroy_with_active_rq')]).toEqual([[200, 200], 0, 0]);
  });

  it('ends with an exchange that takes longer than the cluster allows', async () => {
    const { call, backend, stat, system } = await heldCluster(common({ maxStreamDuration: '5s' }));
    const calls = [await call(), await call()];
    backend.answerHead();
    await system.clock.advance(5_000);
    expect(outcomes(calls)).toEqual(['UMSDR', 'UMSDR']);
    expect(calls[1]?.error).toMatchObject({ status: 504, codeDetails: 'upstream_max_stream_duration_reached' });
    expect([stat('upstream_rq_max_duration_reached'), stat('upstream_rq_active'), stat('upstream_cx_active')]).toEqual([2, 0, 0]);
  });

  it('is told by who ended it, and whether that cut an exchange', async () => {
    const { call, backend, settle, stat } = await heldCluster({});
    const told = () =>
      ['', '_local', '_remote', '_local_with_active_rq', '_remote_with_active_rq'].map((name) => stat(`upstream_cx_destroy${name}`));
    const calls = [await call(), await call(), await call()];
    backend.answer();
    await settle();
    backend.connections[0]?.end();
    await settle();
    expect(told()).toEqual([1, 0, 1, 0, 0]);
    backend.reset();
    await settle();
    expect(told()).toEqual([2, 0, 2, 0, 1]);
    calls[2]?.stream.abortWith('DC', 'gone');
    await settle();
    expect(told()).toEqual([3, 1, 2, 1, 1]);
  });

  it('that never came about fails everybody who waited for it', async () => {
    const { call, backend, stat } = await heldCluster({});
    await backend.close();
    expect((await call()).outcome).toBe('UF');
    expect(['upstream_cx_total', 'upstream_cx_http1_total', 'upstream_cx_connect_fail', 'upstream_cx_destroy_remote'].map(stat)).toEqual([
      1, 1, 1, 1,
    ]);
    expect([stat('upstream_rq_pending_failure_eject'), stat('upstream_cx_active')]).toEqual([1, 0]);
  });

  it('counts its bytes', async () => {
    const { call, backend, settle, stat } = await heldCluster({});
    await call();
    backend.answer();
    await settle();
    const head = 'GET / HTTP/1.1\r\nhost: echo\r\n\r\n';
    expect([stat('upstream_cx_tx_bytes_total'), stat('upstream_cx_rx_bytes_total')]).toEqual([head.length, 40]);
  });
});
