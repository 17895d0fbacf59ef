import { expect, test } from 'vitest';
import { seededRandom } from '../system/random.ts';
import { appendVia, applyForwarding, clientCertDescription, type ForwardingRules } from './forwarding-headers.ts';
import { StreamRecord } from './stream-record.ts';

const SIDECAR: ForwardingRules = {
  useRemoteAddress: false,
  trustedHops: 0,
  skipXffAppend: false,
  generateRequestId: true,
  preserveExternalRequestId: false,
  via: '',
  clientCert: { mode: 'sanitize', describe: clientCertDescription(new Set()) },
};
const EDGE: ForwardingRules = { ...SIDECAR, useRemoteAddress: true };
const PEER = { address: '10.0.0.9', port: 5000 };

const forward = (rules: ForwardingRules, fields: readonly string[]) => {
  const draft = [...fields];
  const downstream = { id: 1, local: { address: '10.0.0.1', port: 80 }, remote: PEER };
  const record = new StreamRecord(1, downstream, 0, 0);
  applyForwarding(draft, record, rules, seededRandom(1));
  const get = (name: string): string[] => draft.filter((_, index) => index % 2 === 1 && draft[index - 1] === name);
  return { get, record, draft };
};

test('a sidecar leaves x-forwarded-for as it is and believes its last address', () => {
  const { get, record } = forward(SIDECAR, ['x-forwarded-for', '1.2.3.4, 5.6.7.8']);
  expect(get('x-forwarded-for')).toEqual(['1.2.3.4, 5.6.7.8']);
  expect(record.downstream.remote).toEqual({ address: '5.6.7.8', port: 0 });
  expect(record.downstream.direct).toEqual(PEER);
});

test('trusted hops count from the right, behind them nobody is believed', () => {
  const chain = ['x-forwarded-for', '1.1.1.1,2.2.2.2', 'x-forwarded-for', '3.3.3.3'];
  const client = (trustedHops: number) => forward({ ...SIDECAR, trustedHops }, chain).record.downstream.remote.address;
  expect([0, 1, 2, 3].map(client)).toEqual(['3.3.3.3', '2.2.2.2', '1.1.1.1', PEER.address]);
});

test('what is no address is not believed', () => {
  expect(forward(SIDECAR, ['x-forwarded-for', 'unknown']).record.downstream).toMatchObject({ remote: PEER });
});

test('an edge appends the peer, replaces the scheme and says who came from outside', () => {
  const fields = ['x-forwarded-for', '6.6.6.6', 'x-forwarded-proto', 'https', 'x-envoy-external-address', '7.7.7.7'];
  const { get, record } = forward(EDGE, fields);
  expect(get('x-forwarded-for')).toEqual(['6.6.6.6,10.0.0.9']);
  expect(get('x-forwarded-proto')).toEqual(['http']);
  expect(get('x-envoy-external-address')).toEqual(['10.0.0.9']);
  expect(record.downstream.remote).toEqual(PEER);
});

test('an edge behind a trusted proxy believes its address and its scheme', () => {
  const { get, record } = forward({ ...EDGE, trustedHops: 1 }, ['x-forwarded-for', '6.6.6.6, 8.8.8.8', 'x-forwarded-proto', 'https']);
  expect(record.downstream.remote.address).toBe('8.8.8.8');
  expect(get('x-envoy-external-address')).toEqual(['8.8.8.8']);
  expect(get('x-forwarded-proto')).toEqual(['https']);
});

test('skip_xff_append leaves the list alone', () => {
  expect(forward({ ...EDGE, skipXffAppend: true }, []).get('x-forwarded-for')).toEqual([]);
});

test.each([
  ['kept by a sidecar', SIDECAR, 'mine'],
  ['replaced at an edge', EDGE, undefined],
  ['kept at an edge that preserves it', { ...EDGE, preserveExternalRequestId: true }, 'mine'],
  ['kept where none is made', { ...EDGE, generateRequestId: false }, 'mine'],
])('the x-request-id of a client is %s', (_, rules, kept) => {
  const { get, record } = forward(rules, ['x-request-id', 'mine']);
  expect(get('x-request-id')).toEqual([record.requestId]);
  if (kept === undefined) expect(record.requestId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  else expect(record.requestId).toBe(kept);
});

test('nobody outside speaks as a proxy of the mesh', () => {
  const spoken = ['x-envoy-retry-on', 'x-envoy-max-retries', 'x-envoy-internal', 'x-envoy-original-path', 'x-envoy-upstream-rq-timeout-ms'];
  const { draft } = forward(
    SIDECAR,
    spoken.flatMap((name) => [name, '1']),
  );
  for (const name of spoken) expect(draft).not.toContain(name);
  const fromOutside = forward(EDGE, ['x-envoy-peer-metadata', 'm', 'x-envoy-decorator-operation', 'o']).draft;
  expect(fromOutside).not.toContain('x-envoy-peer-metadata');
  expect(fromOutside).not.toContain('x-envoy-decorator-operation');
});

test('via names every proxy in its order', () => {
  const draft = ['via', '1.1 a'];
  appendVia(draft, 'me');
  expect(draft).toEqual(['via', '1.1 a, me']);
  expect(forward({ ...SIDECAR, via: 'me' }, []).get('via')).toEqual(['me']);
});

test('clients inside may ask things of the router, where somebody says who is inside', () => {
  const inside = (address: string): boolean => address.startsWith('10.');
  const asks = ['x-envoy-retry-on', '5xx', 'x-request-id', 'mine', 'x-envoy-decorator-operation', 'op', 'x-envoy-internal', 'false'];
  const edge = forward({ ...EDGE, isInternal: inside }, asks);
  const kept = ['x-envoy-retry-on', 'x-request-id', 'x-envoy-decorator-operation', 'x-envoy-internal', 'x-envoy-external-address'];
  expect(kept.map((name) => edge.get(name))).toEqual([['5xx'], ['mine'], ['op'], ['true'], []]);
  const internal = (rules: ForwardingRules, forwarded?: string) =>
    forward(rules, [...asks, ...(forwarded === undefined ? [] : ['x-forwarded-for', forwarded])]).get('x-envoy-retry-on').length > 0;
  // A proxy in front means the peer is no client; without use_remote_address only a proxy says who is.
  expect(internal({ ...EDGE, isInternal: inside }, '10.0.0.7')).toBe(false);
  const sidecar = { ...SIDECAR, isInternal: inside };
  expect([undefined, '10.0.0.7', '8.8.8.8', '10.0.0.7, 10.0.0.8', 'unknown'].map((told) => internal(sidecar, told))).toEqual([
    false,
    true,
    false,
    false,
    false,
  ]);
  expect(internal(EDGE)).toBe(false);
});
