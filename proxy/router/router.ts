/** The end of every walk to upstream: timeout → mirror → retry → time of one try → cluster. What a route does not ask for is not there. */
import type { Counter } from '#system/metrics.ts';
import type { System } from '#system/system.ts';
import { chain, type Handler, type HttpFilter } from '../http/filter.ts';
import type { ResponseFlag } from '../http/response-flags.ts';
import { StreamError } from '../http/stream-error.ts';
import type { RetryRules } from './compile-retry.ts';
import { type Finalize, finalizeFailure, finalizeRequest, finalizeResponse } from './finalize.ts';
import { type Mirror, mirror } from './mirror.ts';
import { perTryIdleTimeout } from './per-try-idle.ts';
import { retry } from './retry.ts';
import { maxStreamDuration, perTryTimeout, type RouteTimeouts, type StreamLimit, timeout, timeoutOf } from './timeout.ts';
import type { HashPolicy, HostChoice, UpstreamSlot } from './upstream-cluster.ts';

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
  readonly clusterNotFoundStatus: number;
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
  const { clock } = system;
  const counting = (name: 'timeouts' | 'perTryTimeouts' | 'perTryIdleTimeouts') => ({
    clock,
    count: () => {
      if (slot.current) slot.current.stats[name].value++;
    },
  });
  const steps: HttpFilter[] = [];
  if (plan.streamLimit.ms > 0 || plan.streamLimit.grpcMs !== undefined) steps.push(maxStreamDuration(plan.streamLimit, clock));
  if (timeoutMs > 0 || plan.maxGrpcTimeoutMs !== undefined) steps.push(timeout(plan, counting('timeouts')));
  if (plan.mirrors.length > 0) steps.push(mirror(plan.mirrors, { system, timeoutMs, bufferBytes }));
  if (rules?.covers)
    steps.push(retry(rules, rules.covers, { system, slot, bufferBytes, attemptCount, timeoutMs, priority: plan.priority }));
  const perTryMs = perTryOf(plan);
  if (perTryMs > 0) steps.push(perTryTimeout(perTryMs, counting('perTryTimeouts')));
  if (rules && rules.perTryIdleMs > 0) steps.push(perTryIdleTimeout(rules.perTryIdleMs, counting('perTryIdleTimeouts')));
  return steps;
};

/** What a client that left or was too slow would have been told counts nowhere, nor does what took longer than it may. (Envoy 1.40) */
const OF_THE_CLIENT: ReadonlySet<ResponseFlag> = new Set<ResponseFlag>(['DC', 'DPE', 'SI', 'UMSDR']);

/** Composed once per route. */
export const buildRouter = (plan: RouterPlan, system: System): Handler => {
  const walk = chain(stepsOf(plan, system), toCluster(plan));
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
