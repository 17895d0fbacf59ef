/** Each analyzer of policies: what it complains of, and the correct twin of which it does not. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { clockFrom } from '#system/clock.ts';
import { ConfigStore } from '../../store/config-store.ts';
import { analyze, analyzeCertified } from '../analyze.ts';

const WORLD = `apiVersion: v1
kind: Service
metadata: {name: reviews}
spec: {ports: [{port: 9080, name: http}], selector: {app: reviews}}
---
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {ports: [{port: 5432, name: tcp}], selector: {app: db}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: reviews}
spec: {template: {metadata: {labels: {app: reviews}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: db}
spec: {template: {metadata: {labels: {app: db}}}}
`;
const SELF = '{selector: {matchLabels: {app: reviews}}';
const of = (kind: string, spec: string, name = 'p', namespace = 'default'): string => {
  const group = kind === 'DestinationRule' ? 'networking' : 'security';
  return `apiVersion: ${group}.istio.io/v1\nkind: ${kind}\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: ${spec}\n`;
};
const authz = (spec: string): string => of('AuthorizationPolicy', spec);
const peer = (mode: string, name = 'm', namespace = 'istio-system'): string =>
  of('PeerAuthentication', `{mtls: {mode: ${mode}}}`, name, namespace);
const JWT = of('RequestAuthentication', '{jwtRules: [{issuer: ann, jwksUri: "https://x.example/keys"}]}');

/** `severity code resource path`, and the messages. */
const findings = (...documents: readonly string[]): { places: string[]; words: string } => {
  const store = new ConfigStore(clockFrom({ nowMs: () => 0, wallTimeMs: () => 0, after: () => () => {} }), analyze);
  const { problems } = store.apply({ 'all.yaml': [WORLD, ...documents].join('---\n') });
  expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
  const found = analyze(store.view());
  return {
    places: found.map(({ severity, code, path }) => `${severity} ${code} ${path}`),
    words: found.map(({ message }) => message).join('; '),
  };
};

test.each<[string, string[], string, string]>([
  [
    'labels that no workload has',
    [peer('STRICT'), of('PeerAuthentication', '{selector: {matchLabels: {app: reviws}}, mtls: {mode: STRICT}}')],
    'warning IST0127 spec.selector',
    'app=reviws',
  ],
  [
    'a service as target',
    [authz('{targetRefs: [{kind: Service, group: "", name: reviews}], rules: [{}]}')],
    'warning  spec.targetRefs[0]',
    'waypoint',
  ],
  ['two policies of one level', [peer('STRICT'), peer('PERMISSIVE', 'n')], 'warning  metadata.name', 'm is older'],
  [
    'plain text to a service under STRICT',
    [peer('STRICT'), of('DestinationRule', '{host: reviews, trafficPolicy: {tls: {mode: DISABLE}}}')],
    'warning IST0113 spec.trafficPolicy.tls.mode',
    'in conflict',
  ],
  [
    'an identity where mutual TLS is off',
    [peer('DISABLE'), authz(`${SELF}, rules: [{from: [{source: {namespaces: [a]}}]}]}`)],
    'warning  spec.rules[0].from[0].source.namespaces',
    'DISABLE',
  ],
  [
    'a DENY of exact paths',
    [
      authz(
        '{action: DENY, rules: [{to: [{operation: {paths: [/admin]}}], from: [{source: {namespaces: [a]}}]}], selector: {matchLabels: {app: reviews}}}',
      ),
    ],
    'info  spec.rules[0].to[0].operation.paths',
    '"/admin*"',
  ],
  [
    'a host without a port',
    [authz(`${SELF}, action: DENY, rules: [{to: [{operation: {hosts: [secret.com]}}]}]}`)],
    'warning  spec.rules[0].to[0].operation.hosts',
    '"secret.com:*"',
  ],
  [
    'a method on a TCP port',
    [authz('{selector: {matchLabels: {app: db}}, action: DENY, rules: [{to: [{operation: {methods: [POST]}}]}]}')],
    'warning  spec.rules[0].to[0].operation.methods',
    'port 5432',
  ],
  ['tokens that nobody requires', [JWT], 'info  spec.jwtRules', 'without a token'],
  [
    'an ALLOW for a whole namespace',
    [authz('{rules: [{from: [{source: {namespaces: [a]}}]}]}')],
    'info  spec.rules',
    'in namespace default',
  ],
])('complains of %s', (_, documents, place, words) => {
  const found = findings(...documents);
  expect(found.places).toEqual([place]);
  expect(found.words).toContain(words);
});

test.each<[string, string[]]>([
  ['labels that a workload has', [of('PeerAuthentication', `${SELF}, mtls: {mode: STRICT}}`)]],
  ['labels in a namespace of which nothing is declared', [of('PeerAuthentication', '{selector: {matchLabels: {a: b}}}', 'p', 'other')]],
  ['a policy for a Gateway', [authz('{action: DENY, targetRef: {kind: Gateway, group: gateway.networking.k8s.io, name: g}, rules: [{}]}')]],
  [
    'policies of different levels',
    [peer('STRICT'), peer('PERMISSIVE', 'n', 'default'), of('PeerAuthentication', `${SELF}, mtls: {mode: STRICT}}`)],
  ],
  ['plain text where the service permits it', [of('DestinationRule', '{host: reviews, trafficPolicy: {tls: {mode: DISABLE}}}')]],
  ['an identity under PERMISSIVE', [authz(`${SELF}, rules: [{from: [{source: {namespaces: [a]}}]}]}`)]],
  ['prefixes and templates', [authz(`${SELF}, action: DENY, rules: [{to: [{operation: {paths: [/admin*, "/a/{*}"]}}]}]}`)]],
  ['a host with any port', [authz(`${SELF}, action: DENY, rules: [{to: [{operation: {hosts: [secret.com, "secret.com:*"]}}]}]}`)]],
  [
    'requests on another port',
    [authz('{selector: {matchLabels: {app: db}}, action: DENY, rules: [{to: [{operation: {methods: [POST], ports: ["80"]}}]}]}')],
  ],
  ['a token that is required', [JWT, authz(`${SELF}, action: DENY, rules: [{from: [{source: {notRequestPrincipals: ["*"]}}]}]}`)]],
  [
    'an ALLOW beside one that denies all',
    [of('AuthorizationPolicy', '{}', 'none'), authz('{rules: [{from: [{source: {namespaces: [a]}}]}]}')],
  ],
  [
    "the seed's own policies",
    [
      peer('STRICT', 'default'),
      authz(
        '{selector: {matchLabels: {app: reviews}}, action: ALLOW, rules: [{from: [{source: {principals: ["cluster.local/ns/default/sa/bookinfo-productpage"]}}], to: [{operation: {methods: [GET]}}]}]}',
      ),
    ],
  ],
])('has nothing against %s', (_, documents) => {
  expect(findings(...documents).places).toEqual([]);
});

test.each([
  '09-strict/strict',
  '09-strict/exception',
  '10-authorization/allow-nothing',
  '10-authorization/reviews-viewer',
  '10-authorization/the-rest',
])('has nothing against the file %s of the labs', (file) => {
  const text = readFileSync(new URL(`../../../labs/${file}.yaml`, import.meta.url), 'utf8');
  const store = new ConfigStore(clockFrom({ nowMs: () => 0, wallTimeMs: () => 0, after: () => () => {} }), analyze);
  store.apply({ 'lab.yaml': text });
  expect(analyze(store.view()).filter(({ resource }) => !resource.includes('VirtualService'))).toEqual([]);
});

test.each([
  ['cluster.local', []],
  ['other.example', ['data.mesh workloads are certified in cluster.local']],
])('a ConfigMap that names the trust domain %s', (domain, expected) => {
  const store = new ConfigStore(clockFrom({ nowMs: () => 0, wallTimeMs: () => 0, after: () => () => {} }));
  const map = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata:\n  mesh: |\n    trustDomain: ${domain}\n`;
  expect(store.apply({ 'mesh.yaml': map }).problems).toEqual([]);
  const found = analyzeCertified('cluster.local')(store.view());
  expect(found.map(({ path, message }) => `${path} ${message.split(',')[0]}`.replace('spec.trustDomain', 'data.mesh'))).toEqual(expected);
  expect(found.every(({ line }) => line === 6)).toBe(true);
});
