/** Lines of access logs. What they look like was asked of Envoy 1.40, but for control characters in text, which this proxy escapes. */
import { expect, test } from 'vitest';
import { AccessLog } from '#envoy';
import { EMPTY_BODY } from '../http/body.ts';
import type { FinishedStream } from '../http/connection-manager.ts';
import { HeaderMap } from '../http/header-map.ts';
import { NO_TRAILERS } from '../http/message.ts';
import { StreamRecord } from '../http/stream-record.ts';
import { simulatedSystem } from '../system/simulated-system.ts';
import { compileAccessLogs } from './access-log.ts';
import { compileFormat, DEFAULT_FORMAT, jsonLine, textLine } from './access-log-format.ts';

const finished = (fields: readonly string[] = [], change: (stream: StreamRecord) => void = () => {}): FinishedStream => {
  const downstream = {
    id: 7,
    local: { address: '10.0.0.1', port: 80 },
    remote: { address: '1.2.3.4', port: 0 },
    direct: { address: '10.0.0.9', port: 5000 },
  };
  const stream = new StreamRecord(1, downstream, 0, Date.UTC(2026, 0, 2, 3, 4, 5, 6));
  stream.codeDetails = 'via_upstream';
  stream.clusterName = 'outbound|9080||reviews';
  stream.routeName = 'main';
  stream.requestId = 'id-1';
  stream.attempts.push({ cluster: 'outbound|9080||reviews', host: '10.0.0.2:9080', startedAtMs: 0, status: 200 });
  change(stream);
  const request = {
    method: 'GET',
    scheme: 'http',
    authority: 'reviews',
    path: '/p?a=b&c=d',
    headers: new HeaderMap(['x-request-id', 'id-1', ...fields]),
    body: EMPTY_BODY,
    trailers: NO_TRAILERS,
  } as const;
  const response = { status: 200, headers: HeaderMap.of(['x-up', '1']), body: EMPTY_BODY, trailers: NO_TRAILERS };
  return { request, response, stream, end: { status: 200, bytesReceived: 3, bytesSent: 5, durationMs: 12.9 } };
};

const text = (format: string, exchange = finished()): string => textLine(format)(exchange);

test('the default format is Envoy’s, `-` for what is missing', () => {
  expect(text(DEFAULT_FORMAT)).toBe(
    '[2026-01-02T03:04:05.006Z] "GET /p?a=b&c=d HTTP/1.1" 200 - 3 5 12 - "-" "-" "id-1" "reviews" "10.0.0.2:9080"',
  );
});

test.each([
  ['%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%', '1.2.3.4:0 10.0.0.9'],
  ['%UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %UPSTREAM_REMOTE_PORT% %UPSTREAM_PROTOCOL%', '10.0.0.2 9080 HTTP/1.1'],
  ['%REQ(:PATH):4% %REQ(NOPE?:AUTHORITY)% %RESP(X-UP)% %RESP(:STATUS)%', '/p?a reviews 1 200'],
  ['%QUERY_PARAM(c)% %QUERY_PARAM(z)%', 'd -'],
  ['%START_TIME(%Y/%m/%d %T.%3f)% %START_TIME(%s)%', '2026/01/02 03:04:05.006 1767323045'],
  ['%EMIT_TIME(%3f)% %ACCESS_LOG_TYPE% 100%%', '018 DownstreamEnd 100%'],
])('%s', (format, line) => {
  expect(text(format)).toBe(line);
});

test('flags have a short and a long form, and none is `-` in JSON, too', () => {
  const failed = finished([], (stream) => stream.flags.add('URX').add('UF'));
  expect(text('%RESPONSE_FLAGS% %RESPONSE_FLAGS_LONG%', failed)).toBe('URX,UF UpstreamRetryLimitExceeded,UpstreamConnectionFailure');
  expect(jsonLine({ f: '%RESPONSE_FLAGS%' })(finished())).toBe('{"f":"-"}');
});

test('a host that was never connected is told, its address and protocol are not', () => {
  const refused = finished([], ({ attempts }) => void attempts.splice(0, 1, { cluster: 'c', host: '10.0.0.2:9080', startedAtMs: 0 }));
  expect(text('%UPSTREAM_HOST% %UPSTREAM_REMOTE_ADDRESS% %UPSTREAM_PROTOCOL%', refused)).toBe('10.0.0.2:9080 - -');
});

test('one exchange is one line, whatever a client sends', () => {
  expect(text('%REQ(X)% end', finished(['x', 'a\tb\x7f']))).toBe('a\\tb\\u007f end');
  expect(text('%REQ(X)% end', finished(['x', '\xc3\xa4']))).toBe('ä end');
});

test('JSON keeps numbers, constants and structures, sorts keys and says null for what is missing', () => {
  const format = {
    z: '%REQ(:PATH)%',
    a: '%RESPONSE_CODE%',
    m: { y: '%BYTES_SENT%', b: '%PROTOCOL% %REQ(NONE)%' },
    q: ['%REQ(NONE)%', 3, true, null],
  };
  expect(jsonLine(format)(finished())).toBe('{"a":200,"m":{"b":"HTTP/1.1 -","y":5},"q":[null,3,true,null],"z":"/p?a=b&c=d"}');
});

test('omit_empty_values leaves out what is missing', () => {
  const format = { n: '%REQ(NONE)%', m: { n: '%REQ(NONE)%', b: '%PROTOCOL% %REQ(NONE)%' }, q: ['%REQ(NONE)%', 3] };
  expect(jsonLine(format, { omitEmpty: true })(finished())).toBe('{"m":{"b":"HTTP/1.1 "},"q":[3]}');
  expect(textLine('[%REQ(NONE)%] %RESPONSE_FLAGS%', { omitEmpty: true })(finished())).toBe('[] -');
});

test.each([
  '%REQ_WITHOUT_QUERY(:PATH)%',
  '%NOPE%',
  '%REQ%',
  '%HOSTNAME%',
  '%FILTER_STATE(a)%',
  '100%',
  '%START_TIME(%Q)%',
  '%__proto__%',
  '%constructor%',
])('%s is refused, not left empty', (format) => {
  expect(() => compileFormat(format)).toThrow();
});

const FILE = 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog';
const STDOUT = 'type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog';

test('a log writes to its file, a stream logger to the standard output', () => {
  const system = simulatedSystem();
  const lines: string[] = [];
  const told = { ...system, appendLine: (path: string, line: string) => void lines.push(`${path}: ${line}`) };
  const logs = [
    { name: 'f', typed_config: { '@type': FILE, path: '/x', log_format: { text_format_source: { inline_string: '%RESPONSE_CODE%\n' } } } },
    { name: 's', typed_config: { '@type': STDOUT, log_format: { json_format: { c: '%RESPONSE_CODE%' } } } },
  ];
  for (const observe of compileAccessLogs(
    logs.map((log) => AccessLog.fromJSON(log)),
    told,
  ))
    observe(finished());
  expect(lines).toEqual(['/x: 200', '/dev/stdout: {"c":200}']);
});

test.each([
  ['[0].filter', { name: 'f', filter: { not_health_check_filter: {} }, typed_config: { '@type': FILE, path: '/x' } }],
  ['[0].typed_config.path', { name: 'f', typed_config: { '@type': FILE } }],
  [
    '[0].typed_config.log_format.formatters',
    { name: 'f', typed_config: { '@type': FILE, path: '/x', log_format: { text_format: 'x', formatters: [{ name: 'y' }] } } },
  ],
  [
    '[0].typed_config.log_format.text_format_source',
    { name: 'f', typed_config: { '@type': FILE, path: '/x', log_format: { text_format_source: { filename: '/y' } } } },
  ],
  [
    '[0].typed_config.log_format.json_format',
    { name: 'f', typed_config: { '@type': FILE, path: '/x', log_format: { json_format: { a: '%NOPE%' } } } },
  ],
])('%s is refused by name', (field, log) => {
  expect(() => compileAccessLogs([AccessLog.fromJSON(log)], simulatedSystem())).toThrow(field);
});

test('the tries of an exchange are told one by one, and as a list of hosts', () => {
  const exchange = finished([], ({ attempts }) => {
    attempts.length = 0;
    attempts.push({ cluster: 'c', host: '10.0.0.2:9080', startedAtMs: 1, flag: 'UC', details: 'cut', failedMs: 2.004, limitMs: 50 });
    attempts.push({ cluster: 'c', host: '10.0.0.3:9080', startedAtMs: 20.5, waitedMs: 17.4961, headMs: 3, status: 200 });
    attempts.push({ cluster: 'c', startedAtMs: 30, flag: 'UH', details: 'no_healthy_upstream', failedMs: 0 });
  });
  expect(JSON.parse(jsonLine({ a: '%DYNAMIC_METADATA(dinghy.attempts)%', h: '%UPSTREAM_HOSTS_ATTEMPTED%' })(exchange))).toEqual({
    a: [
      { host: '10.0.0.2:9080', start: 1, failed: 2, flag: 'UC', details: 'cut', limit: 50 },
      { host: '10.0.0.3:9080', start: 20.5, waited: 17.5, head: 3, status: 200 },
      { start: 30, failed: 0, flag: 'UH', details: 'no_healthy_upstream' },
    ],
    h: '10.0.0.2:9080,10.0.0.3:9080',
  });
});
