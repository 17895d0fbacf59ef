/** What came of a try, in the words of outlier detection. Source: Envoy's router, which tells the same at the same places. */
import { isGrpc } from '../../http/local-reply.ts';
import type { HttpRequest, HttpResponse } from '../../http/message.ts';
import type { StreamError } from '../../http/stream-error.ts';
import type { Attempt, StreamInfo } from '../../http/stream-info.ts';
import type { OutlierMonitor } from './outlier-monitor.ts';

/** gRPC's codes, in order, as the HTTP statuses that they stand for. */
const GRPC_AS_HTTP = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];
const SERVER_ERROR = 500;

const statusOfCall = ({ status, headers }: HttpResponse): number => {
  const code = headers.get('grpc-status');
  return code === undefined ? status : (GRPC_AS_HTTP[Number(code)] ?? SERVER_ERROR);
};

/** There is a response head. */
export const tellAnswer = (monitor: OutlierMonitor, request: HttpRequest, response: HttpResponse): void => {
  monitor.connected();
  monitor.answered(isGrpc(request) ? statusOfCall(response) : response.status);
};

/** There is no response head. What this proxy or the client decided says nothing of the host. */
export const tellFailure = (monitor: OutlierMonitor, error: StreamError): void => {
  if (error.flag === 'UF') monitor.failed();
  else if (error.flag === 'UC' || error.flag === 'UPE' || error.flag === 'UR') {
    monitor.connected();
    monitor.failed();
  } else if (error.flag === 'UT' && !error.unsent) {
    monitor.connected();
    monitor.timedOut();
  }
};

/** A body that breaks off counts as well, once more than its head. */
export const tellEnd = (monitor: OutlierMonitor, stream: StreamInfo, tried: Attempt): void => {
  stream.onDone(() => {
    const broke = stream.flags.has('UC') || stream.flags.has('UPE') || stream.flags.has('UR');
    if (broke && stream.attempts[stream.attempts.length - 1] === tried) monitor.failed();
  });
};
