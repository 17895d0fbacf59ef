import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { bookinfo } from '../bookinfo.ts';
import { seatsOf } from '../seats.ts';
import { type ComposedMesh, composeFile, composeSpecification, hostsFile } from './compose-file.ts';

const mesh: ComposedMesh = {
  name: 'bookinfo',
  subnet: '10.89.1.0/24',
  seats: seatsOf(bookinfo, { address: (host) => `10.89.1.${host + 1}`, appPorts: bookinfo.workloads.map(({ port }) => port) }),
  controlPlane: {
    address: '10.89.1.251',
    command: ['controlplane/main.ts'],
    token: 'secret',
    ports: [{ host: 40_000, container: 15_014 }],
  },
  proxy: { image: 'proxy', command: () => ['main.cjs'], env: {} },
  agents: {},
  ports: { 'reviews-v1': [{ host: 40_001, container: 15_000 }] },
};
const services = composeSpecification(mesh).services ?? {};

test('every workload has a pod whose network its init container, sidecar and program share', () => {
  for (const { name } of bookinfo.workloads) {
    expect(services[name]?.network_mode).toBeUndefined();
    for (const part of ['init', 'sidecar', 'app']) expect(services[`${name}-${part}`]?.network_mode).toBe(`service:${name}`);
  }
});

test('a sidecar starts when the rules are there, a program after its sidecar', () => {
  expect(services['reviews-v1-sidecar']?.depends_on).toEqual({ 'reviews-v1-init': { condition: 'service_completed_successfully' } });
  expect(services['reviews-v1-app']?.depends_on).toEqual({ 'reviews-v1-sidecar': { condition: 'service_started' } });
});

test('only init containers may change the network, and only sidecars are the user that is let through', () => {
  const able = Object.keys(services).filter((name) => services[name]?.cap_add !== undefined);
  expect(able).toEqual(bookinfo.workloads.map(({ name }) => `${name}-init`));
  const users = Object.keys(services).filter((name) => services[name]?.user === '1337:1337');
  expect(users).toEqual([...bookinfo.workloads.map(({ name }) => `${name}-sidecar`), 'istio-ingressgateway']);
});

test('a proxy sees who it is and nobody else, and beside an agent not even that', () => {
  expect(services['reviews-v1-sidecar']?.volumes).toContain('./identity/reviews-v1:/etc/dinghy/identity:ro');
  const agents = { 'reviews-v1': ['proxy/agent.ts'] };
  const withAgent = composeSpecification({ ...mesh, agents }).services ?? {};
  expect(JSON.stringify(withAgent['reviews-v1-sidecar'])).not.toContain('identity');
  expect(withAgent['reviews-v1-agent']).toMatchObject({
    user: '1337:1337',
    network_mode: 'service:reviews-v1',
    volumes: ['./identity/reviews-v1:/etc/dinghy/identity:ro', './sockets/reviews-v1:/run/dinghy'],
  });
  for (const part of ['reviews-v1-app', 'reviews-v1-init', 'control-plane'])
    expect(JSON.stringify(services[part])).not.toContain('identity');
});

test('a program is told its port and its version, and nothing of the mesh', () => {
  expect(services['reviews-v2-app']?.environment).toEqual({ SERVICE_VERSION: 'v2', PORT: '9080' });
});

test('ports are published on this machine alone', () => {
  expect(services['reviews-v1']?.ports).toEqual(['127.0.0.1:40001:15000']);
});

test('the text is what the old program and the plugin both read: services and networks, and nothing that only one of them knows', () => {
  const document = parse(composeFile(mesh)) as Record<string, unknown>;
  expect(Object.keys(document)).toEqual(['services', 'networks']);
  expect(composeFile(mesh)).not.toContain('&a');
});

test('names of a service are as long or as short as Kubernetes makes them', () => {
  const vips = { 'reviews.default.svc.cluster.local': '240.240.0.3', 'api.example.com': '240.240.0.4' };
  expect(hostsFile(vips, 'default').split('\n')).toEqual([
    '127.0.0.1 localhost',
    '240.240.0.3 reviews.default.svc.cluster.local reviews.default.svc reviews.default reviews',
    '240.240.0.4 api.example.com',
    '',
  ]);
  expect(hostsFile(vips, 'other')).not.toMatch(/ reviews$/m);
});
