/** Delays or aborts a chosen share of requests, to rehearse failure. Source: extensions.filters.http.fault.v3.HTTPFault. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import { durationMs, shareOf } from '#api/units.ts';
import { type Any, type FractionalPercent, HTTPFault } from '#envoy';
import { EMPTY_BODY, textBody } from '../http/body.ts';
import type { HttpFilter } from '../http/filter.ts';
import { HeaderMap } from '../http/header-map.ts';
import { compileHeaderMatcher, type RequestTest } from '../http/header-match.ts';
import { isGrpc } from '../http/local-reply.ts';
import { type HttpRequest, type HttpResponse, NO_TRAILERS } from '../http/message.ts';
import { StreamError } from '../http/stream-error.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { decodeConfig, expectType } from './decode-config.ts';
import type { FilterRoom, FilterType } from './filter-type.ts';

/** How often, and what: both may be the client's to say. */
interface Injection<T> {
  readonly share: (request: HttpRequest) => number;
  readonly what: (request: HttpRequest) => T | undefined;
}

/** Exactly one of the two. */
interface AbortStatus {
  readonly http?: number;
  readonly grpc?: number;
}

interface Fault {
  readonly delay: Injection<number> | undefined;
  readonly abort: Injection<AbortStatus> | undefined;
  readonly headers: readonly RequestTest[];
  /** Clients (`x-envoy-downstream-service-node`) that are meant; empty = all. */
  readonly nodes: ReadonlySet<string>;
  /** Only requests that go there are meant; empty = all. Of a route with several targets it is not known yet. */
  readonly cluster: string;
  readonly maxActive: number;
}

const TYPE_URL = 'type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault';
const TEXT = 'fault filter abort';
const DETAILS = 'fault_filter_abort';

const wholeNumber = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;

/** A client may ask for less than what is configured, in the same unit, never for more. No percentage means never, as in Envoy. */
const askedShare = (percentage: FractionalPercent | undefined, header: string): ((request: HttpRequest) => number) => {
  const most = shareOf(percentage, 0);
  const unit = most / Math.max(1, percentage?.numerator ?? 0);
  return (request) => {
    const asked = wholeNumber(request.headers.get(header));
    return asked === undefined ? most : Math.min(most, asked * unit);
  };
};

const fixedShare = (percentage: FractionalPercent | undefined): (() => number) | undefined => {
  const share = shareOf(percentage, 0);
  return share > 0 ? () => share : undefined;
};

/** Undefined when it never strikes. */
const compileDelay = (config: NonNullable<HTTPFault['delay']>): Injection<number> | undefined => {
  refuseUnsupported(config, { read: ['faultDelaySecifier', 'percentage'] });
  const { faultDelaySecifier: specifier, percentage } = config;
  if (specifier === undefined) throw new ConfigError('fault_delay_secifier', 'is required');
  if (specifier.$case === 'headerDelay')
    return {
      share: askedShare(percentage, 'x-envoy-fault-delay-request-percentage'),
      what: (request) => wholeNumber(request.headers.get('x-envoy-fault-delay-request')),
    };
  const ms = durationMs(specifier.value);
  if (ms <= 0) throw new ConfigError('fixed_delay', 'must be greater than 0s');
  const share = fixedShare(percentage);
  return share && { share, what: () => ms };
};

const askedStatus = (request: HttpRequest): AbortStatus | undefined => {
  const http = wholeNumber(request.headers.get('x-envoy-fault-abort-request'));
  if (http !== undefined && http >= 200 && http < 600) return { http };
  const grpc = wholeNumber(request.headers.get('x-envoy-fault-abort-grpc-request'));
  return grpc === undefined ? undefined : { grpc };
};

/** Undefined when it never strikes. */
const compileAbort = (config: NonNullable<HTTPFault['abort']>): Injection<AbortStatus> | undefined => {
  refuseUnsupported(config, { read: ['errorType', 'percentage'] });
  const { errorType: type, percentage } = config;
  if (type === undefined) throw new ConfigError('error_type', 'is required');
  if (type.$case === 'headerAbort') return { share: askedShare(percentage, 'x-envoy-fault-abort-request-percentage'), what: askedStatus };
  if (type.$case === 'httpStatus' && (type.value < 200 || type.value > 599))
    throw new ConfigError('http_status', 'must be between 200 and 599');
  const share = fixedShare(percentage);
  const status = type.$case === 'httpStatus' ? { http: type.value } : { grpc: type.value };
  return share && { share, what: () => status };
};

const compileFault = (any: Any): Fault => {
  expectType(any, TYPE_URL);
  const config = decodeConfig(any, HTTPFault);
  refuseUnsupported(config, {
    read: ['delay', 'abort', 'upstreamCluster', 'headers', 'downstreamNodes', 'maxActiveFaults'],
    // There is no runtime here: the keys that could override these settings are without meaning.
    ignored: [
      'delayPercentRuntime',
      'abortPercentRuntime',
      'delayDurationRuntime',
      'abortHttpStatusRuntime',
      'maxActiveFaultsRuntime',
      'abortGrpcStatusRuntime',
      'responseRateLimitPercentRuntime',
      'disableDownstreamClusterStats',
      'filterMetadata',
    ],
  });
  const { delay, abort } = config;
  return {
    delay: delay && inField('delay', () => compileDelay(delay)),
    abort: abort && inField('abort', () => compileAbort(abort)),
    headers: config.headers.map((header, index) => inField(`headers[${index}]`, () => compileHeaderMatcher(header))),
    cluster: config.upstreamCluster,
    nodes: new Set(config.downstreamNodes),
    maxActive: config.maxActiveFaults ?? Number.POSITIVE_INFINITY,
  };
};

/** A gRPC status reaches a gRPC client as such; anybody else gets 200 with the words. (Envoy 1.40) */
const grpcAnswer = (status: number, request: HttpRequest): HttpResponse => {
  if (!isGrpc(request)) {
    const headers = HeaderMap.of(['content-length', String(TEXT.length)], ['content-type', 'text/plain']);
    return { status: 200, headers, body: textBody(TEXT), trailers: NO_TRAILERS };
  }
  const headers = HeaderMap.of(['content-type', 'application/grpc'], ['grpc-status', String(status)], ['grpc-message', TEXT]);
  return { status: 200, headers, body: EMPTY_BODY, trailers: NO_TRAILERS };
};

const filterFor = (fault: Fault, { system, random, statPrefix }: FilterRoom): HttpFilter | undefined => {
  const { delay, abort, headers, nodes, cluster } = fault;
  if (!delay && !abort) return undefined;
  const { clock, metrics } = system;
  const scope = metrics.scope('http', statPrefix);
  const [delays, aborts, overflows] = [
    scope.counter('fault.delays_injected'),
    scope.counter('fault.aborts_injected'),
    scope.counter('fault.faults_overflow'),
  ];
  const active = scope.gauge('fault.active_faults');
  const mayInject = (): boolean => {
    if (active.value < fault.maxActive) return true;
    overflows.value++;
    return false;
  };
  const isMeant = (request: HttpRequest, stream: StreamInfo): boolean =>
    (cluster === '' || stream.clusterName === cluster) &&
    headers.every((matches) => matches(request)) &&
    (nodes.size === 0 || nodes.has(request.headers.get('x-envoy-downstream-service-node') ?? ''));
  const drawn = <T>(injection: Injection<T> | undefined, request: HttpRequest): T | undefined => {
    const what = injection?.what(request);
    return what !== undefined && random.chance(injection?.share(request) ?? 0) && mayInject() ? what : undefined;
  };
  return async (request, stream, next) => {
    if (!isMeant(request, stream)) return next(request, stream);
    const ms = drawn(delay, request);
    if (ms !== undefined) {
      delays.value++;
      active.value++;
      stream.flags.add('DI');
      await clock.sleep(ms, stream.signal).finally(() => active.value--);
    }
    const status = drawn(abort, request);
    if (status === undefined) return next(request, stream);
    aborts.value++;
    if (status.http !== undefined) throw new StreamError('FI', { status: status.http, text: TEXT, codeDetails: DETAILS });
    stream.flags.add('FI');
    stream.codeDetails = DETAILS;
    return grpcAnswer(status.grpc ?? 0, request);
  };
};

/** A route's settings replace the listener's. */
export const fault: FilterType = {
  typeUrl: TYPE_URL,
  overrideUrl: TYPE_URL,
  compile: (config, room) => filterFor(compileFault(config), room),
  compileRoute: (_config, override, room) => filterFor(compileFault(override), room),
};
