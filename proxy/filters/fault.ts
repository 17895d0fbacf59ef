/** Delays or aborts a chosen share of requests, to rehearse failure. Source: extensions.filters.http.fault.v3.HTTPFault. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import { durationMs, shareOf } from '#api/units.ts';
import { type Any, HTTPFault } from '#envoy';
import { EMPTY_BODY, textBody } from '../http/body.ts';
import type { HttpFilter } from '../http/filter.ts';
import { HeaderMap } from '../http/header-map.ts';
import { compileHeaderMatcher, type RequestTest } from '../http/header-match.ts';
import { isGrpc } from '../http/local-reply.ts';
import { type HttpRequest, type HttpResponse, NO_TRAILERS } from '../http/message.ts';
import { StreamError } from '../http/stream-error.ts';
import { decodeConfig, expectType } from './decode-config.ts';
import type { FilterRoom, FilterType } from './filter-type.ts';

interface Delay {
  readonly share: number;
  readonly ms: number;
}

interface Abort {
  readonly share: number;
  readonly httpStatus: number | undefined;
  readonly grpcStatus: number | undefined;
}

interface Fault {
  readonly delay: Delay | undefined;
  readonly abort: Abort | undefined;
  readonly headers: readonly RequestTest[];
  readonly maxActive: number;
}

const TYPE_URL = 'type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault';
const TEXT = 'fault filter abort';
const DETAILS = 'fault_filter_abort';

/** No percentage means never, as in Envoy. */
const compileDelay = (config: NonNullable<HTTPFault['delay']>): Delay => {
  refuseUnsupported(config, { read: ['faultDelaySecifier', 'percentage'] });
  if (config.faultDelaySecifier?.$case !== 'fixedDelay') throw new ConfigError('', 'only fixed_delay is supported');
  const ms = durationMs(config.faultDelaySecifier.value);
  if (ms <= 0) throw new ConfigError('fixed_delay', 'must be greater than 0s');
  return { ms, share: shareOf(config.percentage, 0) };
};

const compileAbort = (config: NonNullable<HTTPFault['abort']>): Abort => {
  refuseUnsupported(config, { read: ['errorType', 'percentage'] });
  const type = config.errorType;
  const share = shareOf(config.percentage, 0);
  if (type?.$case === 'grpcStatus') return { share, httpStatus: undefined, grpcStatus: type.value };
  if (type?.$case !== 'httpStatus') throw new ConfigError('', 'only http_status and grpc_status are supported');
  if (type.value < 200 || type.value > 599) throw new ConfigError('http_status', 'must be between 200 and 599');
  return { share, httpStatus: type.value, grpcStatus: undefined };
};

const compileFault = (any: Any): Fault => {
  expectType(any, TYPE_URL);
  const config = decodeConfig(any, HTTPFault);
  refuseUnsupported(config, {
    read: ['delay', 'abort', 'headers', 'maxActiveFaults'],
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

const filterFor = (fault: Fault, { system, statPrefix }: FilterRoom): HttpFilter | undefined => {
  const { delay, abort, headers } = fault;
  if (!(delay && delay.share > 0) && !(abort && abort.share > 0)) return undefined;
  const { clock, random, metrics } = system;
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
  return async (request, stream, next) => {
    for (const matches of headers) if (!matches(request)) return next(request, stream);
    if (delay && random.chance(delay.share) && mayInject()) {
      delays.value++;
      active.value++;
      stream.flags.add('DI');
      await clock.sleep(delay.ms, stream.signal).finally(() => active.value--);
    }
    if (abort && random.chance(abort.share) && mayInject()) {
      aborts.value++;
      if (abort.httpStatus !== undefined) throw new StreamError('FI', { status: abort.httpStatus, text: TEXT, codeDetails: DETAILS });
      stream.flags.add('FI');
      stream.codeDetails = DETAILS;
      return grpcAnswer(abort.grpcStatus ?? 0, request);
    }
    return next(request, stream);
  };
};

/** A route's settings replace the listener's. */
export const fault: FilterType = {
  typeUrl: TYPE_URL,
  compile: (config, room) => filterFor(compileFault(config), room),
  compileRoute: (_config, override, room) => filterFor(compileFault(override), room),
};
