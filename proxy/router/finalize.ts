/** The request as upstream shall see it, and the response as filters shall see it: one copy of the fields each. */
import { HeaderMap, removeIn, setIn } from '../http/header-map.ts';
import type { HttpRequest, HttpResponse } from '../http/message.ts';
import type { StreamInfo } from '../http/stream-info.ts';

/** Changes a draft of fields in place. */
type HeaderEdit = (draft: string[], request: HttpRequest, stream: StreamInfo) => void;

/** What a route does to heads. */
export interface Finalize {
  readonly requestEdits: readonly HeaderEdit[];
  readonly responseEdits: readonly HeaderEdit[];
  readonly hostRewrite: string | undefined;
  readonly rewritePath: ((path: string) => string) | undefined;
  readonly appendForwardedHost: boolean;
  readonly attemptCount: boolean;
  /** False keeps x-envoy-… fields to ourselves. */
  readonly envoyHeaders: boolean;
}

/** expectedMs: the budget that upstream is told of; 0 = none. Order as in Envoy: own fields, edits, host, path. */
export const finalizeRequest = (request: HttpRequest, stream: StreamInfo, plan: Finalize, expectedMs: number): HttpRequest => {
  const draft = request.headers.flat.slice();
  if (expectedMs > 0 && plan.envoyHeaders) setIn(draft, 'x-envoy-expected-rq-timeout-ms', String(Math.round(expectedMs)));
  if (plan.attemptCount) setIn(draft, 'x-envoy-attempt-count', '1');
  for (const edit of plan.requestEdits) edit(draft, request, stream);
  let { authority, path } = request;
  if (plan.hostRewrite !== undefined) {
    if (plan.envoyHeaders) setIn(draft, 'x-envoy-original-host', authority);
    if (plan.appendForwardedHost) draft.push('x-forwarded-host', authority);
    authority = plan.hostRewrite;
  }
  if (plan.rewritePath) {
    if (plan.envoyHeaders) setIn(draft, 'x-envoy-original-path', path);
    path = plan.rewritePath(path);
  }
  return { ...request, authority, path, headers: new HeaderMap(draft) };
};

/** serviceMs: time from our request to the response head. */
export const finalizeResponse = (
  response: HttpResponse,
  plan: Finalize,
  exchange: { readonly request: HttpRequest; readonly stream: StreamInfo; readonly serviceMs: number },
): HttpResponse => {
  const draft = response.headers.flat.slice();
  if (plan.envoyHeaders) setIn(draft, 'x-envoy-upstream-service-time', String(Math.max(0, Math.round(exchange.serviceMs))));
  else removeIn(draft, 'x-envoy-upstream-service-time');
  for (const edit of plan.responseEdits) edit(draft, exchange.request, exchange.stream);
  return { ...response, headers: new HeaderMap(draft) };
};
