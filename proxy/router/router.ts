/** The end of every walk to upstream: timeout → mirror → retry → time of one try → cluster. What a route does not ask for is not there. */
import type { Counter } from '#system/metrics.ts';
import type { System } from '#system/system.ts';
import { chain, type Handler, type HttpFilter } from '../http/filter.ts';
import { StreamError } from '../http/stream-error.ts';
import type { RetryRules } from './compile-retry.ts';
import { type Finalize, finalizeRequest, finalizeResponse } from './finalize.ts';
import { type Mirror, mirror } from './mirror.ts';
import { retry } from './retry.ts';
import { maxStreamDuration, perTryTimeout, type RouteTimeouts, type StreamLimit, timeout, timeoutOf } from './timeout.ts';
import type { HostChoice, UpstreamSlot } from './upstream-cluster.ts';

/** What one route (or one target of a split) asks of the router. */
export interface RouterPlan extends Finalize, RouteTimeouts {
  readonly slot: UpstreamSlot;
  readonly streamLimit: StreamLimit;
  readonly retry: RetryRules | undefined;
  readonly mirrors: readonly Mirror[];
  readonly bufferBytes: number;
  readonly clusterNotFoundStatus: number;
  /** What is counted of all requests that come here. */
  readonly tally: { readonly total: Counter; readonly noCluster: Counter };
}

const notFound = (status: number): StreamError => new StreamError('NC', { status, codeDetails: 'cluster_not_found' });

const toCluster = ({ slot, clusterNotFoundStatus, retry: rules }: RouterPlan): Handler => {
  const choice: HostChoice = { repicks: rules?.repicks ?? 0 };
  return (request, stream) => {
    const cluster = slot.current;
    return cluster === undefined ? Promise.reject(notFound(clusterNotFoundStatus)) : cluster.send(request, stream, choice);
  };
};

/** A try that may take as long as the whole exchange has no limit of its own. */
const perTryOf = ({ retry: rules, timeoutMs }: RouterPlan): number => {
  const ms = rules?.perTryTimeoutMs ?? 0;
  return timeoutMs > 0 && ms >= timeoutMs ? 0 : ms;
};

const stepsOf = (plan: RouterPlan, system: System): HttpFilter[] => {
  const { slot, retry: rules, bufferBytes, attemptCount, timeoutMs } = plan;
  const { clock } = system;
  const counting = (name: 'timeouts' | 'perTryTimeouts') => ({
    clock,
    count: () => {
      if (slot.current) slot.current.stats[name].value++;
    },
  });
  const steps: HttpFilter[] = [];
  if (plan.streamLimit.ms > 0 || plan.streamLimit.grpcMs !== undefined) steps.push(maxStreamDuration(plan.streamLimit, clock));
  if (timeoutMs > 0 || plan.maxGrpcTimeoutMs !== undefined) steps.push(timeout(plan, counting('timeouts')));
  if (plan.mirrors.length > 0) steps.push(mirror(plan.mirrors, { system, timeoutMs, bufferBytes }));
  if (rules?.covers) steps.push(retry(rules, rules.covers, { system, slot, bufferBytes, attemptCount, timeoutMs }));
  const perTryMs = perTryOf(plan);
  if (perTryMs > 0) steps.push(perTryTimeout(perTryMs, counting('perTryTimeouts')));
  return steps;
};

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
    const startedAtMs = clock.nowMs();
    const { answered } = cluster.stats;
    try {
      const response = await walk(finalizeRequest(request, stream, plan, { budgetMs, perTryMs }), stream);
      answered.count(response.status);
      return finalizeResponse(response, plan, { request, stream, serviceMs: clock.nowMs() - startedAtMs });
    } catch (error) {
      // What a client that left would have been told counts nowhere.
      if (error instanceof StreamError && error.flag !== 'DC') answered.count(error.status);
      throw error;
    }
  };
};
