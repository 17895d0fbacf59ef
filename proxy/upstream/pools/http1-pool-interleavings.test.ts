import { expect, it } from 'vitest';
import type { Body } from '../../http/body.ts';
import type { HttpRequest } from '../../http/message.ts';
import { type Call, heldCluster, httpOptions } from './pool.fixture.ts';

/** The same sequence for one seed, wherever it runs. */
const dice = (seed: number) => {
  let state = seed;
  return (sides: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
};

const LIMITS = { maxConnections: 3, maxPendingRequests: 2, maxRequests: 3 };
const CONFIG = {
  circuitBreakers: {
    thresholds: [LIMITS, { ...LIMITS, priority: 'HIGH', maxRequests: 2 }],
    perHostThresholds: [{ maxConnections: 2 }],
  },
};
const OPTIONS = {
  commonHttpProtocolOptions: { idleTimeout: '7s', maxConnectionDuration: '13s', maxStreamDuration: '5s', maxRequestsPerConnection: 3 },
};
const GAUGES = ['upstream_rq_active', 'upstream_rq_pending_active', 'upstream_cx_active'];

/** A body that goes on until somebody ends it, or breaks. */
const openBody = (): { body: Body; end: () => void; break: () => void } => {
  const { promise: next, resolve, reject } = Promise.withResolvers<IteratorResult<Uint8Array>>();
  // Nobody may be reading.
  next.catch(() => {});
  return {
    body: { [Symbol.asyncIterator]: () => ({ next: () => next }) },
    end: () => resolve({ done: true, value: undefined }),
    break: () => reject(new Error('the client broke off')),
  };
};

type World = Awaited<ReturnType<typeof heldCluster>>;

const checkBounds = ({ cluster, stat }: World, renewals: number): void => {
  for (const breaker of [cluster.breaker, cluster.highBreaker]) {
    const { limits, requests, pending, connections, pools } = breaker;
    expect(requests).toBeLessThanOrEqual(limits.maxRequests);
    expect(pending).toBeLessThanOrEqual(limits.maxPending);
    for (const value of [requests, pending, connections, pools]) expect(value).toBeGreaterThanOrEqual(0);
    // Beyond it only a host's first connection may go, of each of its pools: one more where none was renewed.
    if (renewals === 0) expect(connections).toBeLessThanOrEqual(limits.maxConnections + 1);
  }
  for (const gauge of GAUGES) expect(stat(gauge)).toBeGreaterThanOrEqual(0);
  for (const host of cluster.hosts.values()) {
    expect(Math.min(host.activeRequests, host.pendingRequests, host.connections)).toBeGreaterThanOrEqual(0);
  }
};

const inUse = ({ cluster, stat }: World) => ({
  breakers: [cluster.breaker, cluster.highBreaker].map(({ requests, pending, connections, pools }) => ({
    requests,
    pending,
    connections,
    pools,
  })),
  gauges: GAUGES.map(stat),
  hosts: [...cluster.hosts.values()].map((host) => [host.activeRequests, host.pendingRequests, host.connections]),
});

/** Everything that can happen to a call, in an order that the dice decide. */
const play = async (world: World, roll: (sides: number) => number): Promise<Call[]> => {
  const { call, settle, system, backends } = world;
  const calls: Call[] = [];
  const finishers: (() => void)[] = [];
  const bodies: ReturnType<typeof openBody>[] = [];
  const oneOf = <T>(all: readonly T[]): T | undefined => all[roll(Math.max(1, all.length))];
  const send = async (): Promise<void> => {
    const held = roll(4) === 0 ? openBody() : undefined;
    if (held) bodies.push(held);
    const request: Partial<HttpRequest> = held ? { method: 'POST', body: held.body } : {};
    calls.push(await call(roll(3) === 0 ? 'high' : undefined, request));
  };
  const moves: (() => unknown)[] = [
    send,
    send,
    send,
    () => oneOf(backends)?.answer(roll(9)),
    () => finishers.push(oneOf(backends)?.answerHead(roll(9)) ?? (() => {})),
    () => oneOf(finishers)?.(),
    () => oneOf(backends)?.reset(roll(9)),
    () => oneOf(oneOf(backends)?.connections ?? [])?.end(),
    () => oneOf(calls)?.stream.abortWith('DC', 'gone'),
    () => oneOf(calls)?.stream.abortWith('UT', 'response_timeout'),
    () => oneOf(bodies)?.end(),
    () => oneOf(bodies)?.break(),
    () =>
      roll(3) === 0
        ? oneOf(backends)?.close()
        : oneOf(backends)
            ?.open()
            .catch(() => {}),
    () => system.clock.advance(roll(3) * 1_500),
  ];
  let renewals = 0;
  for (let step = 0; step < 80; step++) {
    if (step > 40 && roll(15) === 0) {
      world.cluster.renewConnections();
      renewals++;
    }
    // Several at once, so that they meet before anything has settled.
    for (let together = 1 + roll(3); together > 0; together--) await oneOf(moves)?.();
    await settle();
    checkBounds(world, renewals);
  }
  return calls;
};

it('whatever happens in whatever order: no limit is passed, nothing is counted twice, and at the end nothing is in use', async () => {
  for (let seed = 1; seed <= 16; seed++) {
    const world = await heldCluster({ ...CONFIG, ...httpOptions(OPTIONS) }, [80, 81]);
    const calls = await play(world, dice(seed));
    // Every exchange has a greatest length, every connection a greatest age.
    await world.system.clock.advance(60_000);
    const none = { requests: 0, pending: 0, connections: 0, pools: 0 };
    expect({ seed, ...inUse(world) }).toEqual({
      seed,
      breakers: [none, none],
      gauges: [0, 0, 0],
      hosts: [
        [0, 0, 0],
        [0, 0, 0],
      ],
    });
    expect(calls.filter(({ outcome }) => outcome === 'open' || outcome === 'head')).toEqual([]);
    const { stat } = world;
    expect(stat('upstream_cx_total')).toBe(stat('upstream_cx_destroy'));
    expect(stat('upstream_cx_destroy')).toBe((stat('upstream_cx_destroy_local') ?? 0) + (stat('upstream_cx_destroy_remote') ?? 0));
  }
}, 30_000);
