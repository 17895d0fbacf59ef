import { expect, test } from 'vitest';
import { parseFiles } from './parse-documents.ts';
import { formatProblem } from './problem.ts';

const complaints = (yaml: string): string[] => parseFiles({ 'a.yaml': yaml }).problems.map(formatProblem);

const virtualService = (rules: string): string =>
  `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata:\n  name: reviews\nspec:\n  hosts: [reviews]\n  http:\n${rules}`;

test('an unknown field is refused at its own line with the nearest known one', () => {
  expect(complaints(virtualService('  - route:\n    - destination: {host: reviews}\n    timeot: 3s\n'))).toEqual([
    'a.yaml:10:5: error [IST0106]: VirtualService default/reviews spec.http[0].timeot: unknown field "timeot"; did you mean "timeout"?',
  ]);
});

test('a wrong type says what was expected and what is there', () => {
  const [problem] = complaints(virtualService('  - route:\n    - destination: {host: reviews}\n      weight: lots\n'));
  expect(problem).toBe(
    'a.yaml:10:15: error [IST0106]: VirtualService default/reviews spec.http[0].route[0].weight: must be an integer, but is string "lots"',
  );
});

test('all complaints of a document are reported, not only the first', () => {
  expect(complaints(virtualService('  - rout: []\n  - timeot: 1s\n'))).toHaveLength(2);
});

test('snake_case field names are accepted as protobuf JSON does', () => {
  const { resources, problems } = parseFiles({ 'a.yaml': virtualService('  - direct_response: {status: 418}\n') });
  expect(problems).toEqual([]);
  expect(resources[0]?.spec).toMatchObject({ http: [{ directResponse: { status: 418 } }] });
});

test.each(['v1', 'v1beta1', 'v1alpha3'])('networking.istio.io/%s is served', (version) => {
  const yaml = virtualService('  - route: [{destination: {host: reviews}}]\n').replace('/v1\n', `/${version}\n`);
  expect(parseFiles({ 'a.yaml': yaml }).resources).toHaveLength(1);
});

test('weights need not add up to 100', () => {
  expect(
    complaints(virtualService('  - route:\n    - {destination: {host: a}, weight: 9}\n    - {destination: {host: b}, weight: 1}\n')),
  ).toEqual([]);
});

test.each([
  ['  - timeout: 0s\n    route: [{destination: {host: a}}]\n', 'duration must be greater than 1ms'],
  ['  - retries: {attempts: 1, retryOn: "5xx, reset"}\n    route: [{destination: {host: a}}]\n', '" reset" is not a valid retryOn policy'],
  ['  - route: [{destination: {host: a}, weight: -1}]\n', 'weight -1 < 0'],
  ['  - match: [{uri: {prefix: /}}]\n', 'HTTP route, redirect or direct_response is required'],
  ['  - route: [{destination: {host: a}}]\n    redirect: {uri: /b}\n', 'HTTP route cannot contain both route and redirect'],
  ['  - match: [{uri: {regex: "(a"}}]\n    route: [{destination: {host: a}}]\n', 'RE2'],
  [
    '  - fault: {abort: {httpStatus: 99, percentage: {value: 1}}}\n    route: [{destination: {host: a}}]\n',
    'HTTP status 99 is not in range 200-599',
  ],
])("%s is refused in Istio's words", (rule, words) => {
  expect(complaints(virtualService(rule)).join('\n')).toContain(words);
});

test('consecutiveErrors is accepted with a warning that it is ignored', () => {
  const yaml =
    'apiVersion: networking.istio.io/v1beta1\nkind: DestinationRule\nmetadata: {name: r}\nspec:\n  host: r\n  trafficPolicy:\n    outlierDetection: {consecutiveErrors: 5}\n';
  const { resources, problems } = parseFiles({ 'a.yaml': yaml });
  expect(resources).toHaveLength(1);
  expect(problems.map(({ severity, path }) => `${severity} ${path}`)).toContain(
    'warning spec.trafficPolicy.outlierDetection.consecutiveErrors',
  );
});

test('kinds that this mesh does not act on are kept, with a note', () => {
  const { resources, problems } = parseFiles({
    'a.yaml': 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {replicas: 1}\n',
  });
  expect(resources).toHaveLength(1);
  expect(problems.map(({ severity }) => severity)).toEqual(['info']);
});

test.each(['{', '[1, 2', 'a: b: c', '- just a list', 'kind: Nothing', '__proto__: {x: 1}', '&a [*a]'])(
  'hostile document %j gives a complaint, not a crash',
  (yaml) => {
    const { resources, problems } = parseFiles({ 'a.yaml': yaml });
    expect(resources).toEqual([]);
    expect(problems.length).toBeGreaterThan(0);
  },
);

test('an alias bomb is refused', () => {
  const levels = Array.from({ length: 9 }, (_, index) => `l${index + 1}: &l${index + 1} [${Array(9).fill(`*l${index}`).join(', ')}]`);
  expect(complaints(`l0: &l0 x\n${levels.join('\n')}\n`).join()).toMatch(/alias/i);
});

test.each([
  ['a tag', 'exportTo: [!!js/function "function(){}"]', 'Unresolved tag'],
  ['an alias into its own parent', 'exportTo: &x [*x]', 'stands inside what it stands for'],
  ['a key that is no text', '? [a, b]\n  : 1', 'a key must be text'],
  ['an alias of nothing', 'exportTo: *nothing', 'there is no &nothing'],
  ['what a merge brings in', '<<: {hots: [b]}', 'unknown field "hots"'],
  ['a key of Object in a merge', '<<: {__proto__: {isAdmin: true}}', 'unknown field "__proto__"'],
  ['what is not UTF-8', 'exportTo: [caf\uFFFD]', 'not UTF-8'],
  ['a key of Object', '__proto__: {isAdmin: true}', 'unknown field "__proto__"'],
])('%s is refused', (_, line, words) => {
  expect(complaints(`${virtualService('  - route: [{destination: {host: a}}]\n')}  ${line}\n`).join()).toContain(words);
  expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
});

test.each([
  ['brackets', '['.repeat(100_000), 'nested deeper'],
  ['documents', '---\na: 1\n'.repeat(10_000), 'documents'],
  ['bytes', `a: ${'x'.repeat(1_100_000)}`, 'larger than'],
])('too many %s are refused before they are parsed', (_, yaml, words) => {
  expect(complaints(yaml).join()).toContain(words);
});

test('a slip in a kind is an error, not an unknown kind', () => {
  const yaml = virtualService('  - route: [{destination: {host: a}}]\n').replace('kind: VirtualService', 'kind: VirtualServise');
  expect(complaints(yaml).join()).toContain('did you mean "VirtualService"?');
});

test('a slip in metadata is an error', () => {
  const yaml = virtualService('  - route: [{destination: {host: a}}]\n').replace('name: reviews', 'name: reviews\n  label: {a: b}');
  expect(complaints(yaml)).toEqual([
    'a.yaml:5:3: error [IST0106]: VirtualService default/reviews metadata.label: unknown field "label"; did you mean "labels"?',
  ]);
});

test('kinds that this mesh does not act on are taken with a warning', () => {
  const { resources, problems } = parseFiles({
    'a.yaml': 'apiVersion: telemetry.istio.io/v1\nkind: Telemetry\nmetadata: {name: all}\nspec: {}\n',
  });
  expect(resources).toHaveLength(1);
  expect(problems.map(({ severity, message }) => `${severity}: ${message}`)).toEqual([
    'warning: Telemetry is accepted, but not applied by this mesh yet',
  ]);
});

test('rules are checked beside wrong fields, and a wrong field is told once', () => {
  const paths = parseFiles({
    'a.yaml': virtualService('  - route: [{destination: {host: a}, weight: -1}]\n    timeot: 1s\n  - route: [{destination: 7}]\n'),
  }).problems.map(({ path }) => path);
  expect(paths).toEqual(['spec.http[0].route[0].weight', 'spec.http[0].timeot', 'spec.http[1].route[0].destination']);
});

test("the items of kubectl's List are documents, each told of by its own place", () => {
  const { resources, problems } = parseFiles({
    'a.yaml': `apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Service
  metadata: {name: a}
  spec: {ports: [{port: 80}]}
- apiVersion: v1
  kind: Service
  metadata: {name: b}
  spec: {ports: [{port: 80, nme: http}]}
- hello
`,
  });
  expect(resources.map(({ metadata, origin }) => [metadata.name, origin.line])).toEqual([['a', 4]]);
  expect(problems.map(({ line, path }) => `${line} ${path}`)).toEqual(['11 spec.ports[0].nme', '12 apiVersion', '12 kind', '12 metadata']);
});

test('install values of istioctl are passed over with a warning, named or not', () => {
  const { resources, problems } = parseFiles({ 'a.yaml': 'apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec: {}\n' });
  expect([resources, problems.map(({ severity, path }) => [severity, path])]).toEqual([[], [['warning', 'kind']]]);
});

test('a key with dots in it is found in its own line', () => {
  const yaml = virtualService('  - match:\n    - headers:\n        x.y:\n          regex: "("\n    route: [{destination: {host: a}}]\n');
  expect(parseFiles({ 'a.yaml': yaml }).problems.map(({ line, column }) => [line, column])).toEqual([[11, 18]]);
});

test("the seed's circuit breaker, as it wrote it, is taken; its old field is told to be ignored", () => {
  const yaml = `apiVersion: networking.istio.io/v1beta1
kind: DestinationRule
metadata:
  name: reviews-cb
spec:
  host: reviews
  trafficPolicy:
    connectionPool:
      tcp:
        maxConnections: 100
      http:
        http1MaxPendingRequests: 50
        http2MaxRequests: 100
    outlierDetection:
      consecutiveErrors: 5
      interval: 30s
      baseEjectionTime: 30s
      maxEjectionPercent: 50
`;
  const { resources, problems } = parseFiles({ 'a.yaml': yaml });
  expect(resources).toHaveLength(1);
  expect(problems.map(({ severity, path }) => `${severity} ${path}`)).toEqual([
    'warning spec.trafficPolicy.outlierDetection.consecutiveErrors',
  ]);
});

const meshConfig = (text: string, name = 'istio'): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}, namespace: istio-system}\ndata:\n  mesh: |-\n    trustDomain: td\n    ${text}\n`;

test('the ConfigMap of the mesh is read as settings', () => {
  const { resources, problems } = parseFiles({ 'a.yaml': meshConfig('enableAutoMtls: false') });
  expect(problems).toEqual([]);
  expect(resources).toMatchObject([{ kind: 'ConfigMap', spec: { trustDomain: 'td', enableAutoMtls: false } }]);
  expect(resources[0]).not.toHaveProperty('inert');
});

test.each([
  ['enableAutoMtls: maybe', 'a.yaml:7:21: error [IST0106]: ConfigMap istio-system/istio data.mesh.enableAutoMtls: must be true or false'],
  ['trustDomian: x', 'a.yaml:7:5: error [IST0106]: ConfigMap istio-system/istio data.mesh.trustDomian: unknown field "trustDomian"'],
  ['extensionProviders: [{name: a}]', 'a.yaml:7:26: error [IST0106]: ConfigMap istio-system/istio data.mesh.extensionProviders[0]: one of'],
  ['a: [', 'a.yaml:7'],
  ['enableTracing: true', 'a.yaml:7:20: warning: ConfigMap istio-system/istio data.mesh.enableTracing: accepted, but not applied'],
])('a setting such as %j is told of with its own line', (text, said) => {
  const [first = ''] = complaints(meshConfig(text));
  expect(first.slice(0, said.length)).toBe(said);
});

test('other ConfigMaps are for programs', () => {
  const { resources } = parseFiles({ 'a.yaml': meshConfig('x: y', 'other') });
  expect(resources).toMatchObject([{ inert: true }]);
});
