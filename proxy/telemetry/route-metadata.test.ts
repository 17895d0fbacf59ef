/** `%METADATA(ROUTE:…)%`: which rule an exchange went by. */
import { expect, test } from 'vitest';
import { StreamRecord } from '../http/stream-record.ts';
import { compileFormat, jsonLine } from './access-log-format.ts';

const END = { status: 200, bytesReceived: 0, bytesSent: 0, durationMs: 1 };
const at = { address: '127.0.0.1', port: 1 };

const lineOf = (format: object, metadata?: object): unknown => {
  const stream = new StreamRecord(1, { id: 1, local: at, remote: at }, 0, 0);
  stream.routeMetadata = metadata as StreamRecord['routeMetadata'];
  return JSON.parse(jsonLine(format)({ request: undefined, response: undefined, stream, end: END }));
};

test('a text leaf is given as it is, a structure as one, and what is missing as null', () => {
  const format = {
    leaf: '%METADATA(ROUTE:dinghy.source:fieldPath)%',
    whole: '%METADATA(ROUTE:dinghy.source)%',
    absent: '%METADATA(ROUTE:other:x)%',
  };
  expect(lineOf(format, { 'dinghy.source': { fieldPath: 'spec.http[0]' } })).toEqual({
    leaf: 'spec.http[0]',
    whole: { fieldPath: 'spec.http[0]' },
    absent: null,
  });
  expect(lineOf(format)).toEqual({ leaf: null, whole: null, absent: null });
});

test('metadata that this proxy does not keep is refused, not left empty', () => {
  for (const argument of ['CLUSTER:dinghy.source', 'ROUTE:', 'ROUTE'])
    expect(() => compileFormat(`%METADATA(${argument})%`)).toThrow(`%METADATA(${argument})% is not supported`);
});
