/** The request as upstream shall see it, and the response as filters shall see it: one copy of the fields each. */
import { HeaderMap, removeIn, setIn } from '../http/header-map.ts';
import { isGrpc } from '../http/local-reply.ts';
import type { HttpRequest, HttpResponse } from '../http/message.ts';
import type { StreamError } from '../http/stream-error.ts';
import type { StreamInfo } from '../http/stream-info.ts';

/** Changes a draft of fields in place. */
type HeaderEdit = (draft: string[], request: HttpRequest, stream: StreamInfo) => void;

/** What a route does to heads. */
export interface Finalize {
  readonly requestEdits: readonly HeaderEdit[];
  readonly responseEdits: readonly HeaderEdit[];
  readonly hostRewrite: ((request: HttpRequest) => string | undefined) | undefined;
  readonly rewritePath: ((path: string) => string) | undefined;
  readonly appendForwardedHost: boolean;
  readonly attemptCount: boolean;
  readonly attemptCountInResponse: boolean;
  /** See RouteTimeouts. */
  readonly maxGrpcTimeoutMs: number | undefined;
  /** False keeps x-envoy-… fields to ourselves. */
  readonly envoyHeaders: boolean;
}

/** One field for all hosts before; a host that stands last is not repeated. */
const appendForwardedHost = (draft: string[], authority: string): void => {
  const before = new HeaderMap(draft).joined('x-forwarded-host');
  if (before === undefined || before === '') setIn(draft, 'x-forwarded-host', authority);
  else if (before.slice(before.lastIndexOf(',') + 1).trim() !== authority) setIn(draft, 'x-forwarded-host', `${before},${authority}`);
};

/** What upstream is told of time; milliseconds, 0 = nothing. */
export interface Budget {
  /** Of the whole exchange. */
  readonly budgetMs: number;
  /** Of one try. */
  readonly perTryMs: number;
}

/** Order as in Envoy: own fields, edits, host, path. */
export const finalizeRequest = (request: HttpRequest, stream: StreamInfo, plan: Finalize, { budgetMs, perTryMs }: Budget): HttpRequest => {
  const draft = request.headers.flat.slice();
  const expectedMs = perTryMs || budgetMs;
  if (plan.maxGrpcTimeoutMs !== undefined && budgetMs > 0 && isGrpc(request)) setIn(draft, 'grpc-timeout', `${budgetMs}m`);
  if (expectedMs > 0 && plan.envoyHeaders) setIn(draft, 'x-envoy-expected-rq-timeout-ms', String(Math.round(expectedMs)));
  if (plan.attemptCount) setIn(draft, 'x-envoy-attempt-count', '1');
  for (const edit of plan.requestEdits) edit(draft, request, stream);
  let { authority, path } = request;
  const host = plan.hostRewrite?.(request);
  if (host) {
    if (plan.envoyHeaders) setIn(draft, 'x-envoy-original-host', authority);
    if (plan.appendForwardedHost) appendForwardedHost(draft, authority);
    authority = host;
  }
  if (plan.rewritePath) {
    if (plan.envoyHeaders) setIn(draft, 'x-envoy-original-path', path);
    path = plan.rewritePath(path);
  }
  return { ...request, authority, path, headers: new HeaderMap(draft) };
};

/** What this proxy says of itself in an answer of its own. */
export const finalizeFailure = (error: StreamError, plan: Finalize, { attempts }: StreamInfo): StreamError => {
  if (plan.envoyHeaders && !plan.attemptCountInResponse) return error;
  const headers = error.headers.filter(([name]) => plan.envoyHeaders || name !== 'x-envoy-overloaded');
  if (plan.attemptCountInResponse) headers.push(['x-envoy-attempt-count', String(attempts.length)]);
  return error.with({ headers });
};

/** serviceMs: time from our request to the response head. */
export const finalizeResponse = (
  response: HttpResponse,
  plan: Finalize,
  exchange: { readonly request: HttpRequest; readonly stream: StreamInfo; readonly serviceMs: number },
): HttpResponse => {
  const draft = response.headers.flat.slice();
  // Upstream's time is counted from the end of the request: an answer before it has none.
  const early = exchange.request.body.ended === false || exchange.request.upgrade !== undefined;
  if (plan.envoyHeaders && early) removeIn(draft, 'x-envoy-upstream-service-time');
  else if (plan.envoyHeaders) setIn(draft, 'x-envoy-upstream-service-time', String(Math.max(0, Math.round(exchange.serviceMs))));
  if (plan.attemptCountInResponse) setIn(draft, 'x-envoy-attempt-count', String(exchange.stream.attempts.length));
  for (const edit of plan.responseEdits) edit(draft, exchange.request, exchange.stream);
  return { ...response, headers: new HeaderMap(draft) };
};
