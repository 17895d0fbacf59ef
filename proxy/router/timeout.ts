/**
 * Deadlines. Those of the whole exchange run until the response's last byte; after the head they reset instead of answering.
 * That of one try ends with the head: what upstream began to tell is heard to its end.
 */
import type { Cancel, Clock } from '#system/clock.ts';
import type { HttpFilter } from '../http/filter.ts';
import { isGrpc } from '../http/local-reply.ts';
import type { HttpRequest, HttpResponse } from '../http/message.ts';
import { StreamError } from '../http/stream-error.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { release } from './release.ts';
import { ScopedStream } from './scoped-stream.ts';

const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** Milliseconds of a grpc-timeout value, at least 1; undefined when it has another form. Source: gRPC over HTTP2, "Timeout". */
export const parseGrpcTimeout = (value: string | undefined): number | undefined => {
  const match = value === undefined ? null : /^(\d{1,8})([HMSmun])$/.exec(value);
  return match ? Math.max(1, Math.ceil(Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? 1))) : undefined;
};

/** What a route says about time; milliseconds, 0 = none. */
export interface RouteTimeouts {
  readonly timeoutMs: number;
  /** For gRPC the caller's own deadline counts, up to this; undefined = it does not count. */
  readonly maxGrpcTimeoutMs: number | undefined;
  /** Taken off what a gRPC caller asks for, so that this proxy answers before its caller gives up; left alone where nothing would remain. */
  readonly grpcOffsetMs: number;
}

/** The deadline of one request in milliseconds; 0 = none. */
export const timeoutOf = ({ timeoutMs, maxGrpcTimeoutMs, grpcOffsetMs }: RouteTimeouts, request: HttpRequest): number => {
  if (maxGrpcTimeoutMs === undefined || !isGrpc(request)) return timeoutMs;
  const asked = less(parseGrpcTimeout(request.headers.get('grpc-timeout')) ?? 0, grpcOffsetMs);
  return maxGrpcTimeoutMs > 0 && (asked === 0 || asked > maxGrpcTimeoutMs) ? maxGrpcTimeoutMs : asked;
};

const less = (ms: number, offsetMs: number): number => (ms > offsetMs ? ms - offsetMs : ms);

interface Deadline {
  readonly ms: number;
  readonly until: 'head' | 'end';
  /** Calls `start` when the time begins to count. */
  readonly begin: (start: () => void) => void;
  readonly clock: Clock;
  readonly expired: () => StreamError;
}

/** Runs `run` with a signal that also aborts after `ms`, and rejects with `expired()` then if no head came. */
const withDeadline = (stream: StreamInfo, deadline: Deadline, run: (scoped: StreamInfo) => Promise<HttpResponse>): Promise<HttpResponse> =>
  new Promise((resolve, reject) => {
    const controller = new AbortController();
    const outer = stream.signal;
    let settled = false;
    const expire = () => {
      const error = deadline.expired();
      controller.abort(error);
      if (!settled) reject(error);
      settled = true;
    };
    let cancel: Cancel = () => {};
    let stopped = false;
    const start = () => {
      if (!stopped) cancel = deadline.clock.after(deadline.ms, expire);
    };
    deadline.begin(start);
    const abort = () => controller.abort(outer.reason);
    const stop = () => {
      stopped = true;
      cancel();
      outer.removeEventListener('abort', abort);
    };
    outer.addEventListener('abort', abort, { once: true });
    run(new ScopedStream(stream, controller.signal)).then(
      (response) => {
        if (settled) return release(response);
        settled = true;
        if (deadline.until === 'head') {
          stopped = true;
          cancel();
        }
        stream.onDone(stop);
        resolve(response);
      },
      (error: unknown) => {
        stop();
        if (!settled) reject(error);
        settled = true;
      },
    );
  });

/** What a filter that waits stands on. */
export interface TimeoutRoom {
  readonly clock: Clock;
  /** What the client is told: 504 and why, or 204 without a word. */
  readonly told: 'why' | 'nothing';
  /** Counts an expiry. */
  readonly count: () => void;
}

const TEXT = 'upstream request timeout';

/** Upstream was too slow. */
export const timedOut = (told: TimeoutRoom['told'], codeDetails: string): StreamError =>
  new StreamError('UT', told === 'nothing' ? { status: 204, codeDetails } : { text: TEXT, codeDetails });

/** Upstream's time counts from the end of the request: nobody can answer what is still on its way. */
const whenWhole =
  ({ body, trailers }: HttpRequest): Deadline['begin'] =>
  (start) => {
    if (body.ended === false) void trailers.then(start);
    else start();
  };
const atOnce: Deadline['begin'] = (start) => start();

/** The whole exchange, tries and pauses together. */
export const timeout =
  (timeouts: RouteTimeouts, { clock, count, told }: TimeoutRoom): HttpFilter =>
  (request, stream, next) => {
    const ms = timeoutOf(timeouts, request);
    if (ms === 0) return next(request, stream);
    const expired = () => {
      count();
      return timedOut(told, 'response_timeout');
    };
    return withDeadline(stream, { ms, until: 'end', begin: whenWhole(request), clock, expired }, (scoped) => next(request, scoped));
  };

/** One try; whether another follows is for the retry around it to say. */
export const perTryTimeout = (ms: number, { clock, count, told }: TimeoutRoom): HttpFilter => {
  const expired = () => {
    count();
    return timedOut(told, 'upstream_per_try_timeout');
  };
  return (request, stream, next) =>
    withDeadline(stream, { ms, until: 'head', begin: whenWhole(request), clock, expired }, (scoped) => {
      const tries = stream.attempts.length;
      const answered = next(request, scoped);
      const tried = stream.attempts[tries];
      if (tried) tried.limitMs = ms;
      return answered;
    });
};

/** The longest that an exchange may take, however well it goes; milliseconds. */
export interface StreamLimit {
  /** 0 = none. */
  readonly ms: number;
  /** For gRPC the caller's own deadline counts instead, up to this; 0 = without bound; undefined = it does not count. */
  readonly grpcMs: number | undefined;
  /** See RouteTimeouts. */
  readonly grpcOffsetMs: number;
}

/** The request's limit, and whether the caller asked for something else. */
const limitOf = ({ ms, grpcMs, grpcOffsetMs }: StreamLimit, request: HttpRequest): { readonly ms: number; readonly cut: boolean } => {
  const asked = grpcMs !== undefined && isGrpc(request) ? parseGrpcTimeout(request.headers.get('grpc-timeout')) : undefined;
  if (asked === undefined || grpcMs === undefined) return { ms, cut: false };
  const allowed = less(grpcMs > 0 ? Math.min(asked, grpcMs) : asked, grpcOffsetMs);
  return { ms: allowed, cut: allowed !== asked };
};

const DEADLINE_EXCEEDED = 4;

/** No failure worth a flag: somebody wanted it to end. */
export const maxStreamDuration = (limit: StreamLimit, clock: Clock): HttpFilter => {
  const details = { codeDetails: 'max_duration_timeout', grpcStatus: DEADLINE_EXCEEDED, flagged: false };
  const expired = () => new StreamError('UMSDR', { text: 'downstream duration timeout', ...details });
  return (request, stream, next) => {
    const { ms, cut } = limitOf(limit, request);
    if (ms === 0) return next(request, stream);
    const told = cut ? { ...request, headers: request.headers.set('grpc-timeout', `${ms}m`) } : request;
    return withDeadline(stream, { ms, until: 'end', begin: atOnce, clock, expired }, (scoped) => next(told, scoped));
  };
};
