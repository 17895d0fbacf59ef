/** A router on a cluster that the test plays. */
import { RetryPolicy } from '#envoy';
import { simulatedSystem } from '#system/simulated-system.ts';
import { type Body, EMPTY_BODY } from '../http/body.ts';
import { HeaderMap } from '../http/header-map.ts';
import { type HttpRequest, type HttpResponse, NO_TRAILERS } from '../http/message.ts';
import { StreamError } from '../http/stream-error.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { StreamRecord } from '../http/stream-record.ts';
import { compileRetry } from './compile-retry.ts';
import { buildRouter, type RouterPlan } from './router.ts';
import type { UpstreamCluster } from './upstream-cluster.ts';

const here = { address: '127.0.0.1', port: 1 };
const newStream = () => new StreamRecord(1, { id: 1, local: here, remote: here }, 0, 0);

export const get = (overrides: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'GET',
  scheme: 'http',
  authority: 'reviews',
  path: '/',
  headers: HeaderMap.EMPTY,
  body: EMPTY_BODY,
  trailers: NO_TRAILERS,
  ...overrides,
});

export const answer = (status: number, ...pairs: [string, string][]): HttpResponse => ({
  status,
  headers: HeaderMap.of(...pairs),
  body: EMPTY_BODY,
  trailers: NO_TRAILERS,
});

export const refused = () => new StreamError('UF', { text: 'before headers. reset reason: x', codeDetails: 'd' });

export type Upstream = (request: HttpRequest, stream: StreamInfo, attempt: number) => Promise<HttpResponse>;

export const text = async (body: Body): Promise<string> => {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts).toString();
};

export const setUp = (upstream: Upstream, plan: Partial<RouterPlan> & { policy?: object } = {}, limits = { mayRetry: true }) => {
  const system = simulatedSystem();
  const seen: HttpRequest[] = [];
  const counter = () => ({ value: 0 });
  const statuses = () => {
    const all: number[] = [];
    return { all, count: (status: number) => void all.push(status) };
  };
  const stats = {
    answered: statuses(),
    retried: statuses(),
    timeouts: counter(),
    perTryTimeouts: counter(),
    perTryIdleTimeouts: counter(),
    retries: counter(),
    retryBackoffs: counter(),
    retryAskedBackoffs: counter(),
    retrySuccess: counter(),
    retryOverflow: counter(),
    retryLimitExceeded: counter(),
    retriesAbandoned: counter(),
  };
  const cluster: UpstreamCluster = {
    breaker: { retries: 0, ...limits },
    stats,
    send: (request, stream) => {
      seen.push(request);
      return upstream(request, stream, seen.length);
    },
  };
  const { policy, ...rest } = plan;
  const full: RouterPlan = {
    slot: { name: 'c', current: cluster },
    requestEdits: [],
    responseEdits: [],
    hostRewrite: undefined,
    rewritePath: undefined,
    appendForwardedHost: false,
    attemptCount: true,
    attemptCountInResponse: false,
    envoyHeaders: true,
    timeoutMs: 0,
    maxGrpcTimeoutMs: undefined,
    grpcOffsetMs: 0,
    streamLimit: { ms: 0, grpcMs: undefined, grpcOffsetMs: 0 },
    retry: policy && compileRetry(RetryPolicy.fromJSON(policy)),
    mirrors: [],
    bufferBytes: 10,
    seat: 'test',
    clusterNotFoundStatus: 503,
    tally: { total: counter(), noCluster: counter() },
    ...rest,
  };
  return { system, seen, stats, cluster, stream: newStream(), handle: buildRouter(full, system) };
};

/** Rejections become values at once, so that time can be advanced before anybody looks. */
export const outcome = (promise: Promise<HttpResponse>): Promise<unknown> => promise.catch((error: unknown) => error);

export const never: Upstream = (_request, stream) =>
  new Promise((_resolve, reject) => stream.signal.addEventListener('abort', () => reject(stream.signal.reason)));
