/** What istioctl says about the same policies: verdict and words, taken from a real istioctl where it has them. */
import { expect, test } from 'vitest';
import { parseFiles } from '../../parse-documents.ts';

const complaintsOf = (kind: string, spec: string): string[] =>
  parseFiles({
    'x.yaml': `apiVersion: security.istio.io/v1\nkind: ${kind}\nmetadata: {name: x}\nspec: {${spec}}\n`,
  }).problems.map(({ path, message }) => `${path}: ${message}`);

const from = (source: string, action = 'ALLOW'): string => `action: ${action}, rules: [{from: [{source: {${source}}}]}]`;
const to = (operation: string): string => `rules: [{to: [{operation: {${operation}}}]}]`;
const when = (condition: string): string => `rules: [{when: [{${condition}}]}]`;
const CUSTOM = 'action: CUSTOM, provider: {name: p}';

test.each([
  ['PeerAuthentication', 'portLevelMtls: {80: {mode: STRICT}}', 'cannot have port level mTLS'],
  ['PeerAuthentication', 'selector: {matchLabels: {a: b}}, portLevelMtls: {0: {mode: STRICT}}', 'port number 0 must be in the range'],
  ['PeerAuthentication', 'selector: {matchLabels: {"": b}}', 'empty key is not supported in selector: "=b"'],
  ['PeerAuthentication', 'selector: {matchLabels: {a: "b*"}}', 'wildcard is not supported in selector'],
  ['PeerAuthentication', 'mtls: {mode: ON}', 'must be one of UNSET, DISABLE, PERMISSIVE, STRICT'],
  ['AuthorizationPolicy', 'action: DENY', 'DENY action without `rules` is meaningless'],
  ['AuthorizationPolicy', CUSTOM, 'CUSTOM action without `rules` is meaningless'],
  ['AuthorizationPolicy', 'action: CUSTOM, rules: [{}]', '`provider.name` must not be empty'],
  ['AuthorizationPolicy', 'provider: {name: x}, rules: [{}]', '`provider` must not be with non CUSTOM action, found ALLOW'],
  ['AuthorizationPolicy', `${CUSTOM}, rules: [{from: [{source: {principals: [a]}}]}]`, 'principals is not supported by CUSTOM action'],
  ['AuthorizationPolicy', `${CUSTOM}, rules: [{when: [{key: source.principal, values: [a]}]}]`, 'is not supported by CUSTOM action'],
  ['AuthorizationPolicy', from(''), '`from.source` must not be empty, found at rule 0'],
  ['AuthorizationPolicy', to(''), '`to.operation` must not be empty, found at rule 0'],
  ['AuthorizationPolicy', to('methods: [""]'), 'empty value not allowed, found in Methods'],
  ['AuthorizationPolicy', from('ipBlocks: [a]'), 'spec.rules[0].from[0].source.ipBlocks[0]: bad IP address (a)'],
  ['AuthorizationPolicy', from('ipBlocks: [10.0.0.0/33]'), 'bad CIDR range (10.0.0.0/33)'],
  ['AuthorizationPolicy', to('ports: [http]'), 'bad port (http)'],
  ['AuthorizationPolicy', to('ports: ["65536"]'), 'bad port (65536)'],
  ['AuthorizationPolicy', to('paths: ["/a{*}"]'), "a{*}, found in Paths. Contains '{' or '}' beyond a supported path template"],
  ['AuthorizationPolicy', to('paths: ["/{**}/a/{**}"]'), '{**}/a/{**}, found in Paths. {**} is not the last operator'],
  ['AuthorizationPolicy', to('paths: ["/a/{*}/*"]'), 'a/{*}/*, found in Paths. Contains segment * with invalid string literal'],
  ['AuthorizationPolicy', to('paths: ["/a/*/b"]'), 'a/*/b, found in Paths. A "*" in the middle means itself'],
  ['AuthorizationPolicy', from('serviceAccounts: [a], principals: [b]'), 'cannot set serviceAccounts with namespaces or principals'],
  ['AuthorizationPolicy', from('serviceAccounts: ["a/b/c"]'), "expected format 'serviceAccount' or 'namespace/serviceAccount'"],
  [
    'AuthorizationPolicy',
    when('key: foo, values: [a]'),
    'spec.rules[0].when[0].key: invalid `value` for `key` foo: unknown attribute: foo',
  ],
  ['AuthorizationPolicy', when('key: "request.headers[]", values: [a]'), 'unknown attribute'],
  ['AuthorizationPolicy', when('key: source.namespace'), 'at least one of `values` or `notValues` must be set for key source.namespace'],
  ['AuthorizationPolicy', when('key: source.ip, values: [x]'), 'bad IP address (x)'],
  [
    'AuthorizationPolicy',
    `selector: {matchLabels: {a: b}}, targetRefs: [{kind: Service, name: a}]`,
    'only one of targetRefs or workloadSelector',
  ],
  ['AuthorizationPolicy', 'targetRefs: [{kind: Pod, name: a}]', 'targetRef must be to one of'],
  ['AuthorizationPolicy', `targetRefs: [${Array.from({ length: 17 }, () => '{kind: Service, name: a}').join()}]`, 'at most 16'],
  ['AuthorizationPolicy', from(`principals: ["${'a'.repeat(1025)}"]`), 'longer than 1024 characters, found in Principals'],
  ['RequestAuthentication', 'jwtRules: [{}]', 'issuer must be set'],
  ['RequestAuthentication', 'jwtRules: [{issuer: a, jwks: xx}]', 'spec.jwtRules[0].jwks: jwks parse error: failed to unmarshal JWK set'],
  ['RequestAuthentication', 'jwtRules: [{issuer: a, jwks: "{}"}]', 'a key without a type'],
  ['RequestAuthentication', 'jwtRules: [{issuer: a, jwksUri: "file:///x"}]', 'URI scheme is not supported'],
  ['RequestAuthentication', 'jwtRules: [{issuer: a, fromHeaders: [{name: ""}]}]', 'location header name must be non-empty string'],
  ['RequestAuthentication', 'jwtRules: [{issuer: a, audiences: [""]}]', 'audience must be non-empty string'],
  ['RequestAuthentication', 'jwtRules: [{issuer: a, outputClaimToHeaders: [{header: "a b", claim: c}]}]', "is not a header's name"],
])('%s {%s} is refused', (kind, spec, message) => {
  expect(complaintsOf(kind, spec).join('\n')).toContain(message);
});

test.each([
  ['PeerAuthentication', ''],
  ['AuthorizationPolicy', ''],
  ['AuthorizationPolicy', 'rules: [{}]'],
  ['AuthorizationPolicy', 'action: DENY, rules: [{from: []}]'],
  ['AuthorizationPolicy', to('paths: ["/a/*", "*.css", "*", "/a/{*}/b", "/c/{**}"], ports: ["80"], hosts: ["*.a.com"]')],
  ['AuthorizationPolicy', when('key: "request.auth.claims[realm][roles]", values: [admin]')],
  ['AuthorizationPolicy', when('key: "request.headers[x-token]", notValues: [a]')],
  ['AuthorizationPolicy', from('ipBlocks: [10.0.0.0/8, "::1"], serviceAccounts: [a, b/c]')],
  ['AuthorizationPolicy', `${CUSTOM}, rules: [{to: [{operation: {paths: [/a]}}]}]`],
  ['RequestAuthentication', ''],
  ['RequestAuthentication', 'jwtRules: [{issuer: "https://a"}]'],
  ['RequestAuthentication', 'jwtRules: [{issuer: a, outputClaimToHeaders: [{header: x, claim: a}, {header: x, claim: b}]}]'],
])('%s {%s} passes without a word', (kind, spec) => {
  expect(complaintsOf(kind, spec)).toEqual([]);
});
