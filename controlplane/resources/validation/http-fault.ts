/** What fault injection must obey. Messages follow istioctl validate. */
import { checkDuration, checkPercent, fail, warn } from '../checks.ts';
import type { Complaint } from '../problem.ts';
import type { HttpRule } from '../virtual-service.ts';

type Fault = NonNullable<HttpRule['fault']>;

/** `fault` of a rule. */
export const checkFault = ({ fault }: HttpRule, path: string): Complaint[] => {
  if (!fault) return [];
  if (!fault.delay && !fault.abort) return [fail(path, 'HTTP fault injection must have an abort and/or a delay')];
  return [...checkDelay(fault.delay, `${path}.delay`), ...checkAbort(fault.abort, `${path}.abort`)];
};

const checkDelay = (delay: Fault['delay'], path: string): Complaint[] => {
  if (!delay) return [];
  const { fixedDelay, exponentialDelay, percentage, percent } = delay;
  const complaints = [...checkDuration(fixedDelay, `${path}.fixedDelay`), ...checkPercent(percentage?.value, `${path}.percentage.value`)];
  if (exponentialDelay !== undefined) complaints.push(fail(`${path}.exponentialDelay`, 'exponentialDelay not supported yet'));
  else if (fixedDelay === undefined) complaints.push(fail(path, 'delay must have a fixedDelay'));
  if (percent !== undefined) {
    complaints.push(warn(`${path}.percent`, 'deprecated: use percentage'));
    if (percent < 0 || percent > 100) complaints.push(fail(`${path}.percent`, `percentage ${percent} is not in range 0..100`));
  } else if (!percentage) complaints.push(warn(path, 'delay has no percentage: it will never happen'));
  return complaints;
};

/** Source: gRPC's list of status codes. */
const GRPC_STATUSES = new Set(
  'OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED'.split(
    ' ',
  ),
);

const checkAbort = (abort: Fault['abort'], path: string): Complaint[] => {
  if (!abort) return [];
  const { httpStatus, grpcStatus, http2Error, percentage } = abort;
  const complaints = checkPercent(percentage?.value, `${path}.percentage.value`);
  if (http2Error !== undefined) complaints.push(fail(`${path}.http2Error`, 'HTTP/2 abort fault injection not supported yet'));
  if (httpStatus !== undefined && (httpStatus < 200 || httpStatus > 599))
    complaints.push(fail(`${path}.httpStatus`, `HTTP status ${httpStatus} is not in range 200-599`));
  if (grpcStatus !== undefined && !GRPC_STATUSES.has(grpcStatus)) {
    const message = `gRPC status "${grpcStatus.slice(0, 80)}" is not supported. See https://github.com/grpc/grpc/blob/master/doc/statuscodes.md for a list of supported codes, for example 'NOT_FOUND'`;
    complaints.push(fail(`${path}.grpcStatus`, message));
  }
  if (httpStatus !== undefined && grpcStatus !== undefined)
    complaints.push(fail(path, 'abort may only contain one of httpStatus and grpcStatus'));
  if (httpStatus === undefined && grpcStatus === undefined && http2Error === undefined)
    complaints.push(warn(path, 'abort has no status: it has no effect'));
  if (!percentage) complaints.push(warn(path, 'abort has no percentage: it will never happen'));
  return complaints;
};
