/** Tries again while the policy covers the outcome and the cluster has room for it. The method plays no part: Envoy does not look at it. */
import type { Random } from '#system/random.ts';
import type { System } from '#system/system.ts';
import type { HttpFilter } from '../http/filter.ts';
import { setIn } from '../http/header-map.ts';
import type { HttpRequest, HttpResponse } from '../http/message.ts';
import { StreamError } from '../http/stream-error.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { afterAsked, askedWaitMs, backoffMs } from './backoff.ts';
import type { RetryRules } from './compile-retry.ts';
import { release } from './release.ts';
import { replayable } from './replayable-body.ts';
import type { Outcome, RetryTest } from './retry-conditions.ts';
import type { RetryBreaker, UpstreamCluster, UpstreamSlot } from './upstream-cluster.ts';

/** What the retry filter stands on. */
export interface RetryRoom {
  readonly system: System;
  readonly random: Random;
  readonly slot: UpstreamSlot;
  readonly bufferBytes: number;
  /** Whether upstream is told which try this is. */
  readonly attemptCount: boolean;
  /** Whole budget of an exchange in milliseconds, 0 = none. */
  readonly timeoutMs: number;
  /** Whose limits retries use; undefined = default. */
  readonly priority?: 'high' | undefined;
}

const outcomeOf = async (answer: Promise<HttpResponse>): Promise<Outcome> => {
  try {
    return { kind: 'response', response: await answer };
  } catch (error) {
    if (error instanceof StreamError) return { kind: 'error', error };
    throw error;
  }
};

const reworded = (error: StreamError): StreamError =>
  error.with({ text: error.text.replace('before headers. reset reason:', 'before headers. retried and the latest reset reason:') });

const answer = (outcome: Outcome, retries: number): HttpResponse => {
  if (outcome.kind === 'response') return outcome.response;
  throw retries > 0 ? reworded(outcome.error) : outcome.error;
};

const breakerOf = (cluster: UpstreamCluster, { priority }: RetryRoom): RetryBreaker => (priority && cluster.highBreaker) || cluster.breaker;

interface Retrying {
  readonly cluster: UpstreamCluster;
  readonly breaker: RetryBreaker;
  readonly stream: StreamInfo;
  readonly retries: number;
}

/** Whether the next try is not made; the record then says why. */
const isRefused = ({ cluster, breaker, stream, retries }: Retrying, rules: RetryRules): boolean => {
  if (retries >= rules.maxRetries) {
    stream.flags.add('URX');
    cluster.stats.retryLimitExceeded.value++;
    return true;
  }
  if (breaker.mayRetry) return false;
  stream.flags.add('UO');
  cluster.stats.retryOverflow.value++;
  if (breaker.refused) breaker.refused.retries++;
  return true;
};

const EXPECTED = 'x-envoy-expected-rq-timeout-ms';

/** The request with what a later try says of itself. leftMs: what is left of the budget; undefined when there is none. */
const numbered = (request: HttpRequest, attempt: number | undefined, leftMs: number | undefined): HttpRequest => {
  const expected = leftMs === undefined ? undefined : request.headers.get(EXPECTED);
  const headers = request.headers.edit((draft) => {
    if (attempt !== undefined) setIn(draft, 'x-envoy-attempt-count', String(attempt));
    if (leftMs !== undefined && expected !== undefined) setIn(draft, EXPECTED, String(Math.round(Math.min(Number(expected), leftMs))));
  });
  return { ...request, headers };
};

/** covers: the policy's own test, known to be there. */
export const retry = (rules: RetryRules, covers: RetryTest, room: RetryRoom): HttpFilter => {
  const { clock } = room.system;
  const { random } = room;
  const waitFor = (cluster: UpstreamCluster, outcome: Outcome, retries: number): number => {
    const { resetHeaders } = rules;
    const asked = resetHeaders && outcome.kind === 'response' && askedWaitMs(resetHeaders, outcome.response.headers, clock.wallTimeMs());
    if (asked) {
      cluster.stats.retryAskedBackoffs.value++;
      return afterAsked(asked, random);
    }
    cluster.stats.retryBackoffs.value++;
    return backoffMs(rules.backoff, retries, random);
  };
  return async (request, stream, next) => {
    for (const matches of rules.requests) if (!matches(request)) return next(request, stream);
    const body = replayable(request.body, room.bufferBytes);
    const startedAtMs = clock.nowMs();
    const attempt = (retries: number, waitedMs: number): Promise<Outcome> => {
      const leftMs = room.timeoutMs > 0 ? Math.max(1, room.timeoutMs - (clock.nowMs() - startedAtMs)) : undefined;
      const same = numbered(request, room.attemptCount ? retries + 1 : undefined, leftMs);
      const tries = stream.attempts.length;
      const answered = next({ ...same, body: body.again() }, stream);
      const tried = stream.attempts[tries];
      if (tried) tried.waitedMs = waitedMs;
      return outcomeOf(answered);
    };
    // Most requests end here: what is here whole goes out as it came.
    let outcome = await outcomeOf(next(request.body.whole === undefined ? { ...request, body: body.again() } : request, stream));
    if (!body.canReplay && room.slot.current) room.slot.current.stats.retriesAbandoned.value++;
    for (let retries = 0; ; retries++) {
      const cluster = room.slot.current;
      if (cluster === undefined || !covers(outcome)) {
        if (retries > 0 && cluster) cluster.stats.retrySuccess.value++;
        return answer(outcome, retries);
      }
      const breaker = breakerOf(cluster, room);
      if (!body.canReplay || stream.signal.aborted || isRefused({ cluster, breaker, stream, retries }, rules))
        return answer(outcome, retries);
      const waitMs = waitFor(cluster, outcome, retries);
      stream.upstreamFailure = '';
      if (outcome.kind === 'response') {
        cluster.stats.retried.count(outcome.response.status);
        release(outcome.response);
      }
      breaker.retries++;
      cluster.stats.retries.value++;
      try {
        await clock.sleep(waitMs, stream.signal);
        outcome = await attempt(retries + 1, waitMs);
      } finally {
        breaker.retries--;
      }
    }
  };
};
