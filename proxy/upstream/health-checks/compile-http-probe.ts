/** HttpHealthCheck → what is asked and what is a good answer. Generated messages end here. Source: config.core.v3.HealthCheck.HttpHealthCheck. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { HealthCheck_HttpHealthCheck } from '#envoy';
import { compileString, type TextTest } from '../../http/string-match.ts';
import { checkHeaders } from './check-headers.ts';
import { compilePayload, hasAll } from './payload.ts';

type StatusTest = (status: number) => boolean;

/** One question, made before it is asked. */
export interface HttpProbeRules {
  readonly kind: 'http';
  readonly method: string;
  readonly path: string;
  /** Empty: the cluster's name. */
  readonly host: string;
  readonly headers: readonly string[];
  readonly payload: Buffer | undefined;
  readonly receive: readonly Buffer[];
  /** Of the answer's body. */
  readonly bufferBytes: number;
  readonly matches: (body: Buffer) => boolean;
  readonly isExpected: StatusTest;
  readonly isRetriable: StatusTest;
  readonly serviceName: TextTest | undefined;
}

const USER_AGENT = ['user-agent', 'Envoy/HC'] as const;
const DEFAULT_BUFFER_BYTES = 1024;
/** By the numbers of config.core.v3.RequestMethod. */
const METHODS: readonly (string | undefined)[] = ['GET', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', undefined, 'OPTIONS', 'TRACE', 'PATCH'];
const HTTP1 = 0;
const WITHOUT_BODY: readonly string[] = ['GET', 'HEAD', 'DELETE', 'TRACE'];

type Ranges = HealthCheck_HttpHealthCheck['expectedStatuses'];

const compileStatuses = (ranges: Ranges, otherwise: StatusTest): StatusTest => {
  for (const [index, { start, end }] of ranges.entries())
    if (start >= end || start < 100 || end > 600)
      throw new ConfigError(`[${index}]`, `start must be below end, and both within 100 and 600, not ${start} and ${end}`);
  return ranges.length === 0 ? otherwise : (status) => ranges.some(({ start, end }) => status >= start && status < end);
};

const compileMethod = ({ method, send }: HealthCheck_HttpHealthCheck): string => {
  const name = METHODS[method];
  if (name === undefined) throw new ConfigError('method', 'cannot be CONNECT, nor an unknown one');
  if (send && WITHOUT_BODY.includes(name)) throw new ConfigError('send', `a ${name} request has no payload`);
  return name;
};

/** Throws ConfigError with a path relative to the message. */
export const compileHttpProbe = (config: HealthCheck_HttpHealthCheck): HttpProbeRules => {
  refuseUnsupported(config, {
    read: [
      'host',
      'path',
      'send',
      'receive',
      'responseBufferSize',
      'requestHeadersToAdd',
      'requestHeadersToRemove',
      'expectedStatuses',
      'retriableStatuses',
      'codecClientType',
      'serviceNameMatcher',
      'method',
    ],
  });
  if (config.codecClientType !== HTTP1) throw new ConfigError('codec_client_type', 'only HTTP1 is supported by this proxy');
  if (/[^\x21-\x7e]/.test(config.path) || /[^\x21-\x7e]/.test(config.host))
    throw new ConfigError('path', 'must be printable ASCII, as host');
  const { send, serviceNameMatcher } = config;
  const receive = config.receive.map((part, index) => inField(`receive[${index}]`, () => compilePayload(part)));
  const bufferBytes = config.responseBufferSize ?? DEFAULT_BUFFER_BYTES;
  const wanted = receive.reduce((sum, { length }) => sum + length, 0);
  if (bufferBytes > 0 && wanted > bufferBytes)
    throw new ConfigError('receive', `is longer than the response_buffer_size of ${bufferBytes}`);
  return {
    kind: 'http',
    method: compileMethod(config),
    path: config.path,
    host: config.host,
    headers: checkHeaders([...USER_AGENT], {
      add: config.requestHeadersToAdd,
      addPath: 'request_headers_to_add',
      remove: config.requestHeadersToRemove,
    }),
    payload: send && inField('send', () => compilePayload(send)),
    receive,
    bufferBytes: bufferBytes === 0 ? Number.POSITIVE_INFINITY : bufferBytes,
    matches: receive.length === 0 ? () => true : (body) => hasAll(receive, body),
    isExpected: inField('expected_statuses', () => compileStatuses(config.expectedStatuses, (status) => status === 200)),
    isRetriable: inField('retriable_statuses', () => compileStatuses(config.retriableStatuses, () => false)),
    serviceName: serviceNameMatcher && inField('service_name_matcher', () => compileString(serviceNameMatcher)),
  };
};
