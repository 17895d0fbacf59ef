/** The end of every walk to upstream: timeout → mirror → retry → time of one try → cluster. What a route does not ask for is not there. */
import { RetryPolicy } from '#envoy';
import type { Counter } from '#system/metrics.ts';
import type { System } from '#system/system.ts';
import { chain, type Handler, type HttpFilter } from '../http/filter.ts';
import type { HeaderMap } from '../http/header-map.ts';
import type { ResponseFlag } from '../http/response-flags.ts';
import { StreamError } from '../http/stream-error.ts';
import { type AskedTimes, askedRetries, askedTimes, withAsked } from './asked.ts';
import { compileRetry, type RetryRules } from './compile-retry.ts';
import { type Finalize, finalizeFailure, finalizeRequest, finalizeResponse } from './finalize.ts';
import { type Mirror, mirror } from './mirror.ts';
import { perTryIdleTimeout } from './per-try-idle.ts';
import { retry } from './retry.ts';
import { maxStreamDuration, perTryTimeout, type RouteTimeouts, type StreamLimit, type TimeoutRoom, timeout, timeoutOf } from './timeout.ts';
import type { HashPolicy, HostChoice, UpstreamSlot } from './upstream-cluster.ts';

/** clients: of the mesh; edits: only the route's own. expected: whether x-envoy-expected-rq-timeout-ms of the proxy before is heeded. */
export interface Asked {
  readonly by: 'clients' | 'edits';
  readonly expected: 'heeded' | 'overwritten';
}

/** What one route (or one target of a split) asks of the router. */
export interface RouterPlan extends Finalize, RouteTimeouts {
  readonly slot: UpstreamSlot;
  readonly streamLimit: StreamLimit;
  readonly retry: RetryRules | undefined;
  /** Default when absent. */
  readonly priority?: 'high';
  readonly mirrors: readonly Mirror[];
  /** Undefined when nothing of a request says which host it goes to. */
  readonly hash?: HashPolicy | undefined;
  readonly subset?: HostChoice['subset'];
  readonly bufferBytes: number;
  /** Where it stands, by name: what is left to chance here is a sequence of its own. */
  readonly seat: string;
  readonly clusterNotFoundStatus: number;
  /** Whose x-envoy-… fields have a say; undefined when nobody's can be there. */
  readonly asked?: Asked | undefined;
  /** What a client is told of an upstream that is too slow; why, when absent. */
  readonly timeoutTold?: TimeoutRoom['told'];
  /** What is counted of all requests that come here. */
  readonly tally: { readonly total: Counter; readonly noCluster: Counter };
}

const NO_WISHES = { repicks: 0 } as const;

const notFound = (status: number): StreamError => new StreamError('NC', { status, codeDetails: 'cluster_not_found' });

const toCluster = ({ slot, clusterNotFoundStatus, retry: rules, priority, hash, subset }: RouterPlan): Handler => {
  const choice: HostChoice = { ...(rules?.hosts ?? NO_WISHES), ...(priority && { priority }), hash: hash?.hash, subset };
  const send: Handler = (request, stream) => {
    const cluster = slot.current;
    return cluster === undefined ? Promise.reject(notFound(clusterNotFoundStatus)) : cluster.send(request, stream, choice);
  };
  return hash?.cookies ? withCookies(send, hash.cookies, slot) : send;
};

/** A client that brings no cookie gets one, where a cookie is what decides. */
const withCookies =
  (send: Handler, cookies: NonNullable<HashPolicy['cookies']>, slot: UpstreamSlot): Handler =>
  async (request, stream) => {
    const { hashes } = slot.current ?? {};
    const response = await send(request, stream);
    const made = hashes ? cookies(request, stream) : [];
    if (made.length === 0) return response;
    return { ...response, headers: response.headers.edit((draft) => draft.push(...made.flatMap((cookie) => ['set-cookie', cookie]))) };
  };

/** A try that may take as long as the whole exchange has no limit of its own. */
const perTryOf = ({ retry: rules, timeoutMs }: RouterPlan): number => {
  const ms = rules?.perTryTimeoutMs ?? 0;
  return timeoutMs > 0 && ms >= timeoutMs ? 0 : ms;
};

const stepsOf = (plan: RouterPlan, system: System): HttpFilter[] => {
  const { slot, retry: rules, bufferBytes, attemptCount, timeoutMs } = plan;
  const { clock, random } = system;
  const counting = (name: 'timeouts' | 'perTryTimeouts' | 'perTryIdleTimeouts') => ({
    clock,
    told: plan.timeoutTold ?? 'why',
    count: () => {
      if (slot.current) slot.current.stats[name].value++;
    },
  });
  const steps: HttpFilter[] = [];
  if (plan.streamLimit.ms > 0 || plan.streamLimit.grpcMs !== undefined) steps.push(maxStreamDuration(plan.streamLimit, clock));
  if (timeoutMs > 0 || plan.maxGrpcTimeoutMs !== undefined) steps.push(timeout(plan, counting('timeouts')));
  if (plan.mirrors.length > 0)
    steps.push(mirror(plan.mirrors, { system, random: random.stream(`mirror:${plan.seat}`), timeoutMs, bufferBytes }));
  if (rules?.covers) {
    const { priority } = plan;
    steps.push(
      retry(rules, rules.covers, {
        system,
        random: random.stream(`backoff:${plan.seat}`),
        slot,
        bufferBytes,
        attemptCount,
        timeoutMs,
        priority,
      }),
    );
  }
  const perTryMs = perTryOf(plan);
  if (perTryMs > 0) steps.push(perTryTimeout(perTryMs, counting('perTryTimeouts')));
  if (rules && rules.perTryIdleMs > 0) steps.push(perTryIdleTimeout(rules.perTryIdleMs, counting('perTryIdleTimeouts')));
  return steps;
};

/** What a client that left or was too slow would have been told counts nowhere, nor does what took longer than it may. (Envoy 1.40) */
const OF_THE_CLIENT: ReadonlySet<ResponseFlag> = new Set<ResponseFlag>(['DC', 'DPE', 'SI', 'UMSDR']);

/** Few clients ask for much; whoever asks for ever more different things pays for it, not our memory. */
const MOST_WALKS_KEPT = 64;

const remembered = (build: (key: string, headers: HeaderMap) => Handler): ((key: string, headers: HeaderMap) => Handler) => {
  const known = new Map<string, Handler>();
  return (key, headers) => {
    const handler = known.get(key) ?? build(key, headers);
    if (known.size < MOST_WALKS_KEPT) known.set(key, handler);
    return handler;
  };
};

const walkOf = (plan: RouterPlan, system: System): Handler => {
  const usual = chain(stepsOf(plan, system), toCluster(plan));
  if (plan.asked === undefined) return usual;
  const other = remembered((_key, headers) => {
    const changed = { ...plan, retry: withAsked(plan.retry, headers) };
    return chain(stepsOf(changed, system), toCluster(changed));
  });
  return (request, stream) => {
    const asked = askedRetries(request.headers);
    return asked ? other(asked.key, request.headers)({ ...request, headers: asked.headers }, stream) : usual(request, stream);
  };
};

const exchangeOf = (plan: RouterPlan, system: System): Handler => {
  const walk = walkOf(plan, system);
  const { clock } = system;
  const perTryMs = perTryOf(plan);
  const timed = plan.timeoutMs > 0 || perTryMs > 0 || plan.maxGrpcTimeoutMs !== undefined;
  return async (request, stream) => {
    const cluster = plan.slot.current;
    plan.tally.total.value++;
    if (cluster === undefined) {
      plan.tally.noCluster.value++;
      throw notFound(plan.clusterNotFoundStatus);
    }
    stream.clusterName = plan.slot.name;
    const budgetMs = timed ? timeoutOf(plan, request) : 0;
    let sentAtMs = clock.nowMs();
    if (request.body.ended === false)
      void request.trailers.then(() => {
        sentAtMs = clock.nowMs();
      });
    const { answered } = cluster.stats;
    try {
      const response = await walk(finalizeRequest(request, stream, plan, { budgetMs, perTryMs }), stream);
      answered.count(response.status);
      return finalizeResponse(response, plan, { request, stream, serviceMs: clock.nowMs() - sentAtMs });
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
      if (!OF_THE_CLIENT.has(error.flag)) answered.count(error.status);
      throw finalizeFailure(error, plan, stream);
    }
  };
};

/** The plan of a request that asks for other times than the route's. */
const timedAs = (plan: RouterPlan, { timeoutMs, perTryMs, quietly }: AskedTimes): RouterPlan => {
  const asksPerTry = perTryMs !== undefined;
  return {
    ...plan,
    ...(timeoutMs !== undefined && { timeoutMs, maxGrpcTimeoutMs: undefined }),
    ...(asksPerTry && { retry: { ...(plan.retry ?? NO_RETRIES), perTryTimeoutMs: perTryMs } }),
    ...(quietly && { timeoutTold: 'nothing' as const }),
  };
};

const NO_RETRIES = compileRetry(RetryPolicy.fromPartial({}));

/** Composed once per route. */
export const buildRouter = (plan: RouterPlan, system: System): Handler => {
  const usual = exchangeOf(plan, system);
  if (plan.asked?.by !== 'clients') return usual;
  const { expected } = plan.asked;
  const other = remembered((key) => exchangeOf(timedAs(plan, JSON.parse(key) as AskedTimes), system));
  return (request, stream) => {
    const asked = askedTimes(request.headers, expected);
    if (asked === undefined) return usual(request, stream);
    return other(JSON.stringify(asked.times), request.headers)({ ...request, headers: asked.headers }, stream);
  };
};
