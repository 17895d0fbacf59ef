import { expect, test } from 'vitest';
import { clockFrom } from '#system/clock.ts';
import { ConfigStore } from '../store/config-store.ts';
import { analyze } from './analyze.ts';

const SERVICE = `apiVersion: v1
kind: Service
metadata: {name: reviews}
spec: {ports: [{port: 9080, name: http}], selector: {app: reviews}}
`;
const RULE = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews}
spec:
  host: reviews
  subsets:
  - {name: v1, labels: {version: v1}}
  - {name: v2, labels: {version: v2}}
`;
const GATEWAY = `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: door}
spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*.example.com", ./shop.org]}]}
`;
const deployment = (version: string): string => `apiVersion: apps/v1
kind: Deployment
metadata: {name: reviews-${version}}
spec: {template: {metadata: {labels: {app: reviews, version: ${version}}}}}
`;
const virtualService = (fields: string): string => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews}
spec:
${fields}`;
const TO_REVIEWS = 'route: [{destination: {host: reviews}}]';

/** Findings as `code line:column path`, or with their message. */
const findings = (documents: readonly string[]): { places: string[]; messages: string[] } => {
  const store = new ConfigStore(clockFrom({ nowMs: () => 0, wallTimeMs: () => 0, after: () => () => {} }), analyze);
  const { applied } = store.apply(Object.fromEntries(documents.map((text, index) => [`${index}.yaml`, text])));
  expect(applied).toHaveLength(documents.length);
  const found = analyze(store.view());
  return {
    places: found.map(({ code, line, column, path }) => `${code} ${line}:${column} ${path}`),
    messages: found.map(({ message }) => message),
  };
};

test('a whole configuration has no findings', () => {
  const route = virtualService('  hosts: [reviews]\n  http:\n  - route: [{destination: {host: reviews, subset: v1}}]\n');
  expect(findings([SERVICE, RULE, deployment('v1'), deployment('v2'), GATEWAY, route]).places).toEqual([]);
});

test('an unknown host is pointed at, with the nearest known one', () => {
  const route = virtualService('  hosts: [reviews]\n  http:\n  - route:\n    - destination:\n        host: reviwes\n');
  const { places, messages } = findings([SERVICE, route]);
  expect(places).toEqual(['IST0101 9:15 spec.http[0].route[0].destination.host']);
  expect(messages[0]).toContain('did you mean "reviews.default.svc.cluster.local"?');
});

test.each(['route: [{destination: {host: reviews, subset: v3}}]', `mirror: {host: reviews, subset: v3}\n    ${TO_REVIEWS}`])(
  'an unknown subset in %j is a warning, and the rest is applied',
  (fields) => {
    const { messages } = findings([SERVICE, RULE, virtualService(`  hosts: [reviews]\n  http:\n  - ${fields}\n`)]);
    expect(messages).toEqual([
      'Referenced host+subset in destinationrule not found: "reviews.default.svc.cluster.local+v3"; did you mean "v1"?',
    ]);
  },
);

test('short names belong to the namespace of the resource that uses them', () => {
  const elsewhere = virtualService(`  hosts: [reviews]\n  http:\n  - ${TO_REVIEWS}\n`).replace(
    '{name: reviews}',
    '{name: reviews, namespace: other}',
  );
  expect(findings([SERVICE, elsewhere]).messages).toEqual([
    'Referenced host not found: "reviews.other.svc.cluster.local"; did you mean "reviews.default.svc.cluster.local"?',
  ]);
});

test('a rule behind a catch-all is unreachable', () => {
  const route = virtualService(
    `  hosts: [reviews]\n  http:\n  - ${TO_REVIEWS}\n  - name: late\n    match: [{uri: {prefix: /x}}]\n    ${TO_REVIEWS}\n`,
  );
  const { places, messages } = findings([SERVICE, route]);
  expect(places).toEqual(['IST0130 8:5 spec.http[1]']);
  expect(messages).toEqual(['VirtualService rule late not used (route without matches defined before)']);
});

test('rules for connections are looked at as well: those nobody reaches, and those that lead nowhere', () => {
  const tcp = (rules: string) => findings([SERVICE, virtualService(`  hosts: [reviews]\n  tcp:\n${rules}`)]).messages;
  expect(tcp(`  - ${TO_REVIEWS}\n  - match: [{port: 1}]\n    ${TO_REVIEWS}\n`)).toEqual([
    'VirtualService rule #1 not used (route without matches defined before)',
  ]);
  expect(tcp(`  - match: [{port: 1}]\n    ${TO_REVIEWS}\n  - match: [{port: 1}]\n    ${TO_REVIEWS}\n`)).toEqual([
    'VirtualService rule #1 not used (all matches used by prior rules)',
  ]);
  expect(tcp('  - route: [{destination: {host: nobody}}]\n')[0]).toContain('nobody');
});

test('a condition that an earlier prefix takes is ineffective, and a rule of only such conditions unreachable', () => {
  const rules = `  - match: [{uri: {prefix: /a}}]\n    ${TO_REVIEWS}\n  - match: [{name: n, uri: {exact: /a/b}}]\n    ${TO_REVIEWS}\n`;
  expect(findings([SERVICE, virtualService(`  hosts: [reviews]\n  http:\n${rules}`)]).messages).toEqual([
    'VirtualService rule #1 not used (all matches used by prior rules)',
    'VirtualService rule #1 match #0 is not used (duplicate/overlapping match in rule #0)',
  ]);
});

test.each([
  ['a header more in the earlier one', '{uri: {prefix: /a}, headers: {x: {exact: y}}}', '{uri: {prefix: /a}}'],
  ['another path', '{uri: {prefix: /a/}}', '{uri: {prefix: /a}}'],
  ['regular expressions, which are not compared', '{uri: {regex: /a.*}}', '{uri: {exact: /ab}}'],
])('%s makes no condition ineffective', (_, earlier, later) => {
  const rules = `  - match: [${earlier}]\n    ${TO_REVIEWS}\n  - match: [${later}]\n    ${TO_REVIEWS}\n`;
  expect(findings([SERVICE, virtualService(`  hosts: [reviews]\n  http:\n${rules}`)]).places).toEqual([]);
});

test('a Gateway that does not exist is pointed at', () => {
  const route = virtualService(`  hosts: [a.example.com]\n  gateways: [mesh, dor]\n  http:\n  - ${TO_REVIEWS}\n`);
  expect(findings([SERVICE, GATEWAY, route]).messages).toEqual(['Referenced gateway not found: "dor"; did you mean "default/door"?']);
});

test.each([
  ['a.example.com', []],
  ['shop.org', []],
  ['"*"', []],
  ['example.com', ['IST0132 5:11 spec.hosts[0]']],
  ['b.org', ['IST0132 5:11 spec.hosts[0]']],
])('host %s on a Gateway that opens *.example.com and shop.org', (host, places) => {
  const route = virtualService(`  hosts: [${host}]\n  gateways: [door]\n  http:\n  - ${TO_REVIEWS}\n`);
  expect(findings([SERVICE, GATEWAY, route]).places).toEqual(places);
});

test('a DestinationRule for an unknown host is pointed at, a wildcard that covers a host is not', () => {
  expect(findings([SERVICE, RULE.replace('host: reviews', 'host: review')]).places).toEqual(['IST0174 5:9 spec.host']);
  expect(findings([SERVICE, RULE.replace('host: reviews', 'host: "*.default.svc.cluster.local"')]).places).toEqual([]);
});

test('a subset whose labels no declared pod has is pointed at', () => {
  const { places, messages } = findings([SERVICE, RULE, deployment('v1')]);
  expect(places).toEqual(['IST0173 8:5 spec.subsets[1]']);
  expect(messages).toEqual(['The Subset v2 defined in the DestinationRule does not select any pods']);
});

test('a delegate that is not there, or that has hosts of its own, is a missing reference', () => {
  const root = virtualService(`  hosts: [reviews]\n  http:\n  - delegate: {name: inner}\n`);
  const inner = virtualService(`  http:\n  - ${TO_REVIEWS}\n`).replace('{name: reviews}', '{name: inner}');
  expect(findings([SERVICE, root]).places).toEqual(['IST0101 7:22 spec.http[0].delegate.name']);
  expect(findings([SERVICE, root, inner]).places).toEqual([]);
});
