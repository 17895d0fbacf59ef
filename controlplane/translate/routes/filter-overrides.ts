/** Fault and CORS of a rule → settings of its filters. Pure. Source: oracle captures of istiod. */
import type { Any } from '#envoy';
import { durationMs } from '../../resources/checks.ts';
import type { HttpRule } from '../../resources/virtual-service.ts';
import { pack, toDuration, toMillionths, toStringMatcher } from '../pack.ts';

/** Per-route filter settings: fault and CORS of the rule. */
export const filterOverrides = (rule: HttpRule): { [name: string]: Any } => ({
  ...(rule.fault ? faultOverride(rule.fault) : {}),
  ...(rule.corsPolicy ? { 'envoy.filters.http.cors': corsOf(rule.corsPolicy) } : {}),
});

/** Absent percentages mean never, as in Istio. */
const faultOverride = ({ delay, abort }: NonNullable<HttpRule['fault']>): { [name: string]: Any } => {
  const config = {
    ...(delay?.fixedDelay === undefined
      ? {}
      : {
          delay: {
            faultDelaySecifier: { $case: 'fixedDelay', value: toDuration(durationMs(delay.fixedDelay)) },
            percentage:
              delay.percentage || delay.percent === undefined
                ? toMillionths(delay.percentage?.value ?? 0)
                : { numerator: delay.percent, denominator: 0 },
          },
        }),
    ...(abort === undefined || (abort.httpStatus === undefined && abort.grpcStatus === undefined)
      ? {}
      : { abort: { errorType: abortType(abort), percentage: toMillionths(abort.percentage?.value ?? 0) } }),
  };
  return { 'envoy.filters.http.fault': pack('envoy.extensions.filters.http.fault.v3.HTTPFault', config) };
};

const GRPC_CODES =
  'OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED'.split(
    ' ',
  );

const abortType = ({ httpStatus, grpcStatus }: NonNullable<NonNullable<HttpRule['fault']>['abort']>): object =>
  httpStatus === undefined
    ? { $case: 'grpcStatus', value: Math.max(0, GRPC_CODES.indexOf(grpcStatus ?? '')) }
    : { $case: 'httpStatus', value: httpStatus };

const corsOf = (cors: NonNullable<HttpRule['corsPolicy']>): Any => {
  const origins = cors.allowOrigins?.map(toStringMatcher) ?? cors.allowOrigin?.map((origin) => toStringMatcher({ exact: origin })) ?? [];
  return pack('envoy.extensions.filters.http.cors.v3.CorsPolicy', {
    allowOriginStringMatch: origins.filter((origin) => origin !== undefined),
    allowMethods: cors.allowMethods?.join(',') ?? '',
    allowHeaders: cors.allowHeaders?.join(',') ?? '',
    exposeHeaders: cors.exposeHeaders?.join(',') ?? '',
    maxAge: cors.maxAge === undefined ? '' : String(durationMs(cors.maxAge) / 1000),
    ...(cors.allowCredentials === undefined ? {} : { allowCredentials: cors.allowCredentials }),
    filterEnabled: { defaultValue: { numerator: 100, denominator: 0 }, runtimeKey: '' },
    forwardNotMatchingPreflights: cors.unmatchedPreflights !== 'IGNORE',
  });
};
