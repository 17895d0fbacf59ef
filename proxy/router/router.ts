/** The end of every walk to upstream: timeout → mirror → retry → time of one try → cluster. What a route does not ask for is not there. */
import type { System } from '#system/system.ts';
import { chain, type Handler, type HttpFilter } from '../http/filter.ts';
import { StreamError } from '../http/stream-error.ts';
import type { RetryRules } from './compile-retry.ts';
import { type Finalize, finalizeRequest, finalizeResponse } from './finalize.ts';
import { type Mirror, mirror } from './mirror.ts';
import { retry } from './retry.ts';
import { maxStreamDuration, perTryTimeout, type RouteTimeouts, timeout, timeoutOf } from './timeout.ts';
import type { HostChoice, UpstreamSlot } from './upstream-cluster.ts';

/** What one route (or one target of a split) asks of the router. */
export interface RouterPlan extends Finalize, RouteTimeouts {
  readonly slot: UpstreamSlot;
  readonly maxStreamDurationMs: number;
  readonly retry: RetryRules | undefined;
  readonly mirrors: readonly Mirror[];
  readonly bufferBytes: number;
  readonly clusterNotFoundStatus: number;
}

const notFound = (status: number): StreamError => new StreamError('NC', { status, codeDetails: 'cluster_not_found' });

const toCluster = ({ slot, clusterNotFoundStatus, retry: rules }: RouterPlan): Handler => {
  const choice: HostChoice = { repicks: rules?.repicks ?? 0 };
  return (request, stream) => {
    const cluster = slot.current;
    return cluster === undefined ? Promise.reject(notFound(clusterNotFoundStatus)) : cluster.send(request, stream, choice);
  };
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
  if (plan.maxStreamDurationMs > 0) steps.push(maxStreamDuration(plan.maxStreamDurationMs, clock));
  if (timeoutMs > 0 || plan.maxGrpcTimeoutMs !== undefined) steps.push(timeout(plan, counting('timeouts')));
  if (plan.mirrors.length > 0) steps.push(mirror(plan.mirrors, { system, timeoutMs, bufferBytes }));
  if (rules?.covers && rules.maxRetries > 0) steps.push(retry(rules, rules.covers, { system, slot, bufferBytes, attemptCount, timeoutMs }));
  if (rules && rules.perTryTimeoutMs > 0) steps.push(perTryTimeout(rules.perTryTimeoutMs, counting('perTryTimeouts')));
  return steps;
};

/** Composed once per route. */
export const buildRouter = (plan: RouterPlan, system: System): Handler => {
  const walk = chain(stepsOf(plan, system), toCluster(plan));
  const { clock } = system;
  const perTryMs = plan.retry?.perTryTimeoutMs ?? 0;
  const timed = plan.timeoutMs > 0 || perTryMs > 0 || plan.maxGrpcTimeoutMs !== undefined;
  return async (request, stream) => {
    if (plan.slot.current === undefined) throw notFound(plan.clusterNotFoundStatus);
    stream.clusterName = plan.slot.name;
    const expectedMs = timed ? perTryMs || timeoutOf(plan, request) : 0;
    const startedAtMs = clock.nowMs();
    const response = await walk(finalizeRequest(request, stream, plan, expectedMs), stream);
    return finalizeResponse(response, plan, { request, stream, serviceMs: clock.nowMs() - startedAtMs });
  };
};
