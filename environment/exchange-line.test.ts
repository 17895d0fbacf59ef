/** Lines of a proxy's output that are exchanges, and lines that are not. */
import { expect, it } from 'vitest';
import { readExchange } from './exchange-line.ts';

const reporter = { name: 'reviews-v1', address: '127.96.1.3', isGateway: false };
const line = (fields: object): string => JSON.stringify({ kind: 'exchange', method: 'GET', path: '/r', response_code: 200, ...fields });

it('tells inbound from outbound by the address that took the request', () => {
  expect(readExchange(line({ downstream_local_address: '127.96.1.3:9080' }), reporter)?.side).toBe('inbound');
  expect(readExchange(line({ downstream_local_address: '240.240.0.3:9080' }), reporter)?.side).toBe('outbound');
  expect(readExchange(line({ downstream_local_address: '127.96.1.3:8080' }), { ...reporter, isGateway: true })?.side).toBe('gateway');
});

it('turns what is missing into empty text and zero', () => {
  expect(readExchange(line({ response_code: null, upstream_cluster: null, response_flags: null }), reporter)).toMatchObject({
    reporter: 'reviews-v1',
    status: 0,
    cluster: '',
    flags: '-',
    attempts: 0,
  });
});

it.each(['', 'plain text', '{"kind":"exchange"', '{"kind":"log","text":"exchange"}', '{"a":"\\"exchange\\""}', '[]'])(
  'takes %j for something else',
  (text) => {
    expect(readExchange(text, reporter)).toBeUndefined();
  },
);

it('tells who was at both ends, and how the connection between the proxies was secured', () => {
  const ends = {
    downstream_peer: 'spiffe://td/ns/a/sa/a',
    downstream_tls: 'TLSv1.3',
    upstream_tls: 'TLSv1.2',
    upstream_peer: 'spiffe://td/ns/b/sa/b',
  };
  const inbound = readExchange(line({ ...ends, downstream_local_address: '127.96.1.3:9080' }), reporter);
  expect(inbound).toMatchObject({ security: 'mutual_tls', downstreamPeer: 'spiffe://td/ns/a/sa/a', downstreamTls: 'TLSv1.3' });
  const outbound = { ...ends, downstream_local_address: '240.240.0.3:9080' };
  expect(readExchange(line(outbound), reporter)).toMatchObject({ security: 'tls', upstreamPeer: 'spiffe://td/ns/b/sa/b' });
  expect(readExchange(line({ ...outbound, upstream_local_identity: 'spiffe://td/ns/a/sa/a' }), reporter)?.security).toBe('mutual_tls');
  expect(readExchange(line({}), reporter)).toMatchObject({ security: 'none', downstreamPeer: '', upstreamPeer: '', transportFailure: '' });
});

it('takes the facts of a verdict, and nothing that is no record', () => {
  expect(readExchange(line({ authz: { policy: 'none' } }), reporter)?.authz).toEqual({ policy: 'none' });
  for (const authz of [null, undefined, 'x', ['x']]) expect(readExchange(line({ authz }), reporter)).not.toHaveProperty('authz');
});

it('takes the tries as this project tells them, and of an Envoy their hosts', () => {
  const tries = [
    { host: '10.0.0.1:80', start: 1, failed: 2, flag: 'UC' },
    { host: '10.0.0.2:80', start: 20.5, waited: 17.5, head: 3, status: 200 },
  ];
  expect(readExchange(line({ attempt_log: tries, hosts_attempted: '10.0.0.1:80,10.0.0.2:80' }), reporter)?.attemptLog).toEqual(tries);
  const ofEnvoy = readExchange(line({ attempt_log: null, hosts_attempted: '10.0.0.1:80,10.0.0.1:80' }), reporter);
  expect(ofEnvoy?.attemptLog).toEqual([{ host: '10.0.0.1:80' }, { host: '10.0.0.1:80' }]);
  expect(readExchange(line({ attempt_log: 'x' }), reporter)?.attemptLog).toEqual([]);
});

it.each([
  ['9080', 'STRICT: plain text from 127.0.0.1 refused by reviews-v1, port 9080'],
  ['7000', 'PERMISSIVE: TLS that is not of the mesh, from 127.0.0.1, refused by reviews-v1, port 7000'],
  ['1', 'connection from 127.0.0.1 refused by reviews-v1: nothing takes it on port 1'],
])('says why a connection to port %s was refused, by what the port asks of its clients', (port, refused) => {
  const told = line({
    ...{ method: null, path: null, response_code: 0, response_flags: 'NR', response_code_details: 'filter_chain_not_found' },
    ...{ downstream_local_address: `127.96.1.3:${port}`, downstream_remote_address: '127.0.0.1:40000' },
    modes: { 9080: 'STRICT', 7000: 'PERMISSIVE' },
  });
  expect(readExchange(told, reporter)).toMatchObject({ side: 'inbound', status: 0, method: '', flags: 'NR', refused });
});

it('an answer of the mesh itself is no refused connection', () => {
  expect(readExchange(line({ response_flags: 'NR', response_code_details: 'route_not_found' }), reporter)).not.toHaveProperty('refused');
});

it('of connections that carry no requests, those that a policy refused are told', () => {
  const ends = { kind: 'connection', method: null, downstream_local_address: '127.96.1.3:7000', downstream_remote_address: '127.96.1.1:4' };
  const details = 'rbac_access_denied_matched_policy[none]';
  const told = readExchange(line({ ...ends, downstream_peer: 'spiffe://td/ns/a/sa/a', connection_termination_details: details }), reporter);
  const refused = 'policy: connection from 127.96.1.1 (spiffe://td/ns/a/sa/a) refused by reviews-v1, port 7000';
  expect(told).toMatchObject({ side: 'inbound', details, refused });
  expect(readExchange(line({ ...ends, connection_termination_details: null }), reporter)).toBeUndefined();
});
