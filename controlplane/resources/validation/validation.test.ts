/** What istioctl says about the same specs: verdict and words, taken from a real istioctl. */
import { expect, test } from 'vitest';
import { parseFiles } from '../parse-documents.ts';

const complaintsOf = (kind: string, spec: string): { errors: string[]; warnings: string[] } => {
  const yaml = `apiVersion: networking.istio.io/v1\nkind: ${kind}\nmetadata: {name: x}\nspec: {${spec}}\n`;
  const { problems } = parseFiles({ 'x.yaml': yaml });
  const of = (severity: string) => problems.filter((problem) => problem.severity === severity).map(({ message }) => message);
  return { errors: of('error'), warnings: of('warning') };
};

const rule = (fields: string): string => `hosts: [a], http: [{${fields}}]`;
const TO_A = 'route: [{destination: {host: a}}]';
const policy = (fields: string): string => `host: a, trafficPolicy: {${fields}}`;
const PORTS = 'ports: [{number: 80, name: a, protocol: HTTP}]';

test.each([
  [
    'VirtualService',
    rule(`retries: {attempts: 0, perTryTimeout: 1s}, ${TO_A}`),
    'http retry policy configured when attempts are set to 0 (disabled)',
  ],
  ['VirtualService', rule(`retries: {attempts: -1}, ${TO_A}`), 'attempts cannot be negative'],
  ['VirtualService', rule(`retries: {attempts: 2, retryOn: "5xx, reset"}, ${TO_A}`), '" reset" is not a valid retryOn policy'],
  ['VirtualService', rule(`timeout: 0s, ${TO_A}`), 'duration must be greater than 1ms'],
  ['VirtualService', rule(`timeout: 0.000001s, ${TO_A}`), 'duration must be greater than 1ms'],
  ['VirtualService', rule(`timeout: 1.0005s, ${TO_A}`), 'only durations to ms precision are supported'],
  ['VirtualService', `hosts: ["*"], http: [{${TO_A}}]`, 'wildcard host * is not allowed for virtual services bound to the mesh gateway'],
  ['VirtualService', `hosts: ["a.*.com"], http: [{${TO_A}}]`, 'domain name "*.com" invalid (label "*" invalid)'],
  ['VirtualService', `hosts: ["*.a.com", x.a.com], http: [{${TO_A}}]`, 'duplicate hosts in virtual service: *.a.com & x.a.com'],
  ['VirtualService', 'hosts: [a]', 'http, tcp or tls must be provided in virtual service'],
  ['VirtualService', rule('match: [{uri: {prefix: /}}]'), 'HTTP route, redirect or direct_response is required'],
  ['VirtualService', rule('route: [{weight: 1}]'), 'destination is required'],
  [
    'VirtualService',
    rule('route: [{destination: {host: a}, weight: 0}, {destination: {host: b}, weight: 0}]'),
    'total destination weight = 0',
  ],
  ['VirtualService', rule('route: [{destination: {host: a}, weight: -1}, {destination: {host: b}, weight: 101}]'), 'weight -1 < 0'],
  ['VirtualService', rule('redirect: {}'), 'redirect must specify URI, authority, scheme, or port'],
  ['VirtualService', rule('redirect: {uri: /x, redirectCode: 200}'), '200 is not a valid redirect code, must be 3xx'],
  ['VirtualService', rule(`redirect: {uri: /x}, ${TO_A}`), 'HTTP route cannot contain both route and redirect'],
  ['VirtualService', rule('redirect: {uri: /x}, rewrite: {uri: /y}'), 'HTTP route rule cannot contain both rewrite and redirect'],
  ['VirtualService', rule('directResponse: {status: 99}'), 'HTTP status 99 is not in range 200-599'],
  [
    'VirtualService',
    rule(`rewrite: {uri: /x, uriRegexRewrite: {match: a, rewrite: b}}, ${TO_A}`),
    'rewrite may only contain one of URI or UriRegexRewrite',
  ],
  ['VirtualService', rule(`match: [{uri: {regex: ""}}], ${TO_A}`), '"uri": regex string match should not be empty'],
  ['VirtualService', rule(`match: [{headers: {"": {exact: a}}}], ${TO_A}`), 'header name cannot be empty'],
  ['VirtualService', rule(`match: [{headers: {x: {prefix: ""}}}], ${TO_A}`), '"headers": prefix string match should not be empty'],
  ['VirtualService', rule(`fault: {abort: {httpStatus: 700, percentage: {value: 1}}}, ${TO_A}`), 'HTTP status 700 is not in range 200-599'],
  ['VirtualService', rule(`fault: {}, ${TO_A}`), 'HTTP fault injection must have an abort and/or a delay'],
  [
    'VirtualService',
    rule(`mirror: {host: b}, mirrors: [{destination: {host: c}}], ${TO_A}`),
    'HTTP route cannot contain both mirror and mirrors',
  ],
  [
    'VirtualService',
    rule(`mirror: {host: b}, mirrorPercentage: {value: 120}, ${TO_A}`),
    'mirror_percentage must have a max value of 100 (it has 120.000000)',
  ],
  ['VirtualService', rule(`corsPolicy: {maxAge: 1.5s}, ${TO_A}`), 'max_age duration is accurate only to seconds precision'],
  ['VirtualService', rule(`corsPolicy: {allowMethods: [FOO]}, ${TO_A}`), '"FOO" is not a supported HTTP method'],
  ['VirtualService', `hosts: [a.com], tls: [{${TO_A}}]`, 'TLS route must have at least one match condition'],
  [
    'VirtualService',
    `hosts: [a.com], tls: [{match: [{sniHosts: [b.com]}], ${TO_A}}]`,
    'SNI host "b.com" is not a compatible subset of any of the virtual service hosts: [a.com]',
  ],
  ['VirtualService', rule('route: [{destination: {host: a, port: {number: 0}}}]'), 'port number 0 must be in the range 1..65535'],
  ['VirtualService', rule(`headers: {request: {set: {":path": /x}}}, ${TO_A}`), 'invalid header ":path": header cannot have ":" prefix'],
  ['VirtualService', rule(`headers: {request: {remove: [host]}}, ${TO_A}`), 'invalid header "host": cannot set Host header'],
  ['DestinationRule', 'subsets: []', 'empty domain name not allowed'],
  ['DestinationRule', policy(''), 'traffic policy must have at least one field'],
  ['DestinationRule', 'host: a, subsets: [{name: "", labels: {v: "1"}}]', 'subset name cannot be empty'],
  ['DestinationRule', 'host: a, subsets: [{name: v1}, {name: v1}]', 'duplicate subset names: v1'],
  ['DestinationRule', policy('outlierDetection: {interval: 0.0001s}'), 'duration must be greater than 1ms'],
  ['DestinationRule', policy('outlierDetection: {maxEjectionPercent: 101}'), 'percentage 101 is not in range 0..100'],
  [
    'DestinationRule',
    policy('outlierDetection: {consecutiveLocalOriginFailures: 3}'),
    'outlier detection consecutive local origin failures is specified, but split external local origin errors is set to false',
  ],
  ['DestinationRule', policy('connectionPool: {}'), 'connection pool must have at least one field'],
  [
    'DestinationRule',
    policy('connectionPool: {http: {h2UpgradePolicy: UPGRADE, useClientProtocol: true}}'),
    'use client protocol must not be true when H2UpgradePolicy is UPGRADE',
  ],
  ['DestinationRule', policy('loadBalancer: {consistentHash: {httpCookie: {ttl: 1s}}}'), 'name required for HttpCookie'],
  [
    'DestinationRule',
    policy('loadBalancer: {localityLbSetting: {distribute: [{from: a, to: {b: 50, c: 40}}]}}'),
    'total locality weight 90 != 100',
  ],
  ['DestinationRule', policy('tls: {mode: MUTUAL, privateKey: k}'), 'client certificate required for mutual tls'],
  [
    'DestinationRule',
    policy('tls: {mode: MUTUAL, credentialName: c, clientCertificate: /c, privateKey: /k}'),
    'cannot specify client certificates or CA certificate or CA CRL If credentialName is set',
  ],
  ['DestinationRule', policy('tls: {mode: ISTIO_MUTUAL, privateKey: k}'), 'ISTIO_MUTUAL brings its own certificates: none may be given'],
  ['DestinationRule', policy('portLevelSettings: [{loadBalancer: {simple: RANDOM}}]'), 'portTrafficPolicy must have valid port'],
  [
    'Gateway',
    'selector: {a: b}, servers: [{port: {number: 80, name: http, protocol: HTTP}}]',
    'server config must contain at least one host',
  ],
  [
    'Gateway',
    'servers: [{port: {number: 443, name: x, protocol: HTTPS}, hosts: ["*"]}]',
    'server must have TLS settings for HTTPS/TLS protocols',
  ],
  [
    'Gateway',
    'servers: [{port: {number: 443, name: x, protocol: HTTPS}, hosts: ["*"], tls: {mode: MUTUAL, serverCertificate: c, privateKey: k}}]',
    'MUTUAL TLS requires a client CA bundle',
  ],
  [
    'Gateway',
    'servers: [{port: {number: 80, name: x, protocol: HTTP}, hosts: ["*"], tls: {mode: SIMPLE, credentialName: c}}]',
    'server cannot have TLS settings for plain text HTTP ports',
  ],
  [
    'Gateway',
    'servers: [{port: {number: 80, name: x, protocol: HTTP}, hosts: ["*"]}, {port: {number: 81, name: x, protocol: HTTP}, hosts: ["*"]}]',
    'port names in servers must be unique: duplicate name x',
  ],
  ['ServiceEntry', `${PORTS}, resolution: DNS`, 'service entry must have at least one host'],
  [
    'ServiceEntry',
    `hosts: ["*.a.com"], ${PORTS}, resolution: DNS`,
    'hosts must be FQDN or contain only prefix wildcards if no endpoints are provided for resolution mode DNS, domain name "*.a.com" invalid (label "*" invalid)',
  ],
  [
    'ServiceEntry',
    `hosts: [a.com], ${PORTS}, resolution: NONE, endpoints: [{address: 1.1.1.1}]`,
    'no endpoints should be provided for resolution type none',
  ],
  [
    'ServiceEntry',
    `hosts: [a.com], ${PORTS}, resolution: STATIC, endpoints: [{address: 1.1.1.1}], workloadSelector: {labels: {a: b}}`,
    'only one of WorkloadSelector or Endpoints is allowed in Service Entry',
  ],
  [
    'ServiceEntry',
    'hosts: [a.com], ports: [{number: 80, name: a}, {number: 80, name: b}], resolution: DNS',
    'service entry port 80 already defined',
  ],
  [
    'ServiceEntry',
    `hosts: [a.com], ${PORTS}, resolution: STATIC, endpoints: [{address: "unix://x"}]`,
    'x is not an absolute path to a file',
  ],
  ['DestinationRule', policy('connectionPool: {tcp: {maxConnections: -1}}'), 'max connections must be non-negative'],
  ['DestinationRule', policy('connectionPool: {http: {http1MaxPendingRequests: -1}}'), 'http1 max pending requests must be non-negative'],
  ['DestinationRule', policy('connectionPool: {tcp: {tcpKeepalive: {time: 0s}}}'), 'duration must be greater than 1ms'],
  ['DestinationRule', policy('connectionPool: {http: {http2KeepAlive: {interval: 1s}}}'), 'http2 keepalive timeout is required'],
  [
    'DestinationRule',
    policy('loadBalancer: {consistentHash: {httpCookie: {name: c, attributes: [{name: a}, {name: a}]}}}'),
    'duplicate cookie attribute name: a',
  ],
  [
    'DestinationRule',
    policy('loadBalancer: {consistentHash: {httpCookie: {name: c, attributes: [{value: a}]}}}'),
    'cookie attribute name cannot be empty',
  ],
  ['DestinationRule', policy('loadBalancer: {consistentHash: {httpHeaderName: x, maglev: {}}}'), 'tableSize must be set for maglev'],
  [
    'DestinationRule',
    policy('loadBalancer: {consistentHash: {httpHeaderName: x, maglev: {tableSize: 10}}}'),
    'tableSize must be a prime number for maglev',
  ],
  [
    'DestinationRule',
    policy('loadBalancer: {consistentHash: {httpHeaderName: x, maglev: {tableSize: 5000011}}}'),
    'tableSize must be less than 5000011 for maglev',
  ],
  [
    'DestinationRule',
    policy('loadBalancer: {consistentHash: {httpHeaderName: x, minimumRingSize: 1, ringHash: {minimumRingSize: 1}}}'),
    'only one of MinimumRingSize or Maglev/Ringhash can be specified',
  ],
  ['DestinationRule', policy('loadBalancer: {warmup: {minimumPercent: 10}}'), 'duration is required'],
  [
    'DestinationRule',
    policy('loadBalancer: {warmup: {duration: 1s, minimumPercent: 101}}'),
    'minimumPercent value should be less than or equal to 100',
  ],
  ['DestinationRule', policy('loadBalancer: {warmup: {duration: 1s, aggression: 0}}'), 'aggression should be greater than 0'],
  [
    'DestinationRule',
    policy('loadBalancer: {localityLbSetting: {distribute: [{from: a, to: {a: 100}}], failover: [{from: a, to: b}]}}'),
    "can not simultaneously specify 'distribute' and 'failover'",
  ],
  [
    'DestinationRule',
    policy('loadBalancer: {localityLbSetting: {failover: [{from: a, to: b}], failoverPriority: [topology.kubernetes.io/zone]}}'),
    "can not simultaneously set 'failover' and topology label 'topology.kubernetes.io/zone' in 'failover_priority'",
  ],
  [
    'DestinationRule',
    policy('loadBalancer: {localityLbSetting: {distribute: [{from: a, to: {a: 0, b: 100}}]}}'),
    'locality weight must be in range [1, 100]',
  ],
  [
    'DestinationRule',
    policy('loadBalancer: {localityLbSetting: {distribute: [{from: a, to: {a: 50, a/b: 50}}]}}'),
    'locality a/b overlap with previous specified ones',
  ],
  [
    'DestinationRule',
    policy('loadBalancer: {localityLbSetting: {distribute: [{from: "*/a", to: {a: 100}}]}}'),
    "locality */a wildcard '*' number can not exceed 1 and must be in the end",
  ],
  [
    'DestinationRule',
    policy('loadBalancer: {localityLbSetting: {failover: [{from: a, to: a}]}}'),
    'locality lb failover settings must specify different regions',
  ],
  [
    'DestinationRule',
    policy('loadBalancer: {localityLbSetting: {failover: [{from: a/b, to: c}]}}'),
    'locality lb failover only specify region',
  ],
  ['DestinationRule', policy('portLevelSettings: [{port: {number: 80}}]'), 'port traffic policy must have at least one field'],
  [
    'DestinationRule',
    policy('tunnel: {targetHost: a.com, targetPort: 80}, proxyProtocol: {version: V1}'),
    'tunnel and proxyProtocol must not be set together',
  ],
  ['VirtualService', `hosts: [a], tcp: [{match: [{destinationSubnets: [10.0.0.0/33]}], ${TO_A}}]`, '10.0.0.0/33 is not a valid CIDR block'],
  ['VirtualService', `hosts: [a], tcp: [{match: [{destinationSubnets: [a.com]}], ${TO_A}}]`, '"a.com" is not a valid IP'],
  ['VirtualService', `hosts: [a], tcp: [{match: [{port: 70000}], ${TO_A}}]`, 'port number 70000 must be in the range 1..65535'],
  [
    'VirtualService',
    rule(`rewrite: {authority: b}, headers: {request: {set: {Host: c}}}, ${TO_A}`),
    'authority header cannot be set multiple times: have "b", attempting to set "c"',
  ],
  [
    'VirtualService',
    rule('match: [{uri: {exact: /a}}], redirect: {prefixRewrite: /b}'),
    'redirect prefix_rewrite requires all URI matches to use prefix match type',
  ],
  ['VirtualService', rule('redirect: {uri: /a, prefixRewrite: /b}'), 'redirect may only specify one of uri or prefix_rewrite'],
  ['VirtualService', rule(`corsPolicy: {allowHeaders: ["a b"]}, ${TO_A}`), 'header name "a b" is not a valid header name'],
  ['VirtualService', `hosts: [a], gateways: [/g], http: [{${TO_A}}]`, 'config namespace and gateway name cannot be empty'],
  ['WorkloadEntry', 'address: 1.1.1.1, ports: {http: 0}', 'port number 0 must be in the range 1..65535'],
])('%s {%s} is refused as istioctl refuses it', (kind, spec, message) => {
  expect(complaintsOf(kind, spec).errors).toContain(message);
});

test.each([
  ['VirtualService', rule('route: [{destination: {host: a}, weight: 50}, {destination: {host: b}, weight: 40}]')],
  ['VirtualService', rule('route: [{destination: {host: a}, weight: 50}, {destination: {host: b}}]')],
  ['VirtualService', rule(`match: [{}], ${TO_A}`)],
  ['VirtualService', rule(`match: [{uri: {prefix: ""}}], ${TO_A}`)],
  ['VirtualService', `hosts: ["*"], gateways: [g], http: [{${TO_A}}]`],
  ['VirtualService', rule(`headers: {request: {set: {host: b}}}, ${TO_A}`)],
  ['DestinationRule', 'host: a, subsets: [{name: v1}]'],
  ['DestinationRule', policy('tls: {mode: DISABLE}')],
  ['DestinationRule', policy('tls: {mode: SIMPLE}')],
  ['DestinationRule', policy('portLevelSettings: [{port: {number: 80}, tls: {mode: ISTIO_MUTUAL}}]')],
  ['DestinationRule', policy('connectionPool: {http: {h2UpgradePolicy: UPGRADE, maxConcurrentStreams: 3}}')],
  ['DestinationRule', policy('connectionPool: {http: {useClientProtocol: true}}')],
  ['Gateway', 'servers: [{port: {number: 80, name: x, protocol: http}, hosts: ["*", "ns/*.a.com", "./b.com"]}]'],
  ['Gateway', 'servers: [{port: {number: 80, name: x, protocol: TCP}, hosts: ["*"]}]'],
  ['Gateway', 'servers: [{port: {number: 80, name: x, protocol: TLS}, hosts: ["*"], tls: {mode: PASSTHROUGH}}]'],
  ['ServiceEntry', 'hosts: [a.com], resolution: DNS'],
  ['WorkloadEntry', 'address: a.example.com, weight: 2, locality: r/z/s'],
  ['DestinationRule', policy('loadBalancer: {consistentHash: {useSourceIp: true}}')],
  ['DestinationRule', 'host: a, subsets: [{name: v1, trafficPolicy: {outlierDetection: {interval: 1s}}}]'],
])('%s {%s} passes without a word', (kind, spec) => {
  expect(complaintsOf(kind, spec)).toEqual({ errors: [], warnings: [] });
});

test.each([
  ['DestinationRule', policy('proxyProtocol: {version: V1}')],
  ['DestinationRule', 'host: a, subsets: [{name: v1, trafficPolicy: {loadBalancer: {zoneAwareLbSetting: {}}}}]'],
  ['Gateway', 'servers: [{port: {number: 80, name: x, protocol: HTTP2}, hosts: ["*"]}]'],
  ['ServiceEntry', `hosts: [a.com], ${PORTS}, resolution: DNS_ROUND_ROBIN`],
  ['WorkloadEntry', 'address: 1.1.1.1, network: n'],
])('%s {%s} is taken with one warning that it does nothing yet', (kind, spec) => {
  expect(complaintsOf(kind, spec)).toEqual({ errors: [], warnings: ['accepted, but not applied by this mesh yet'] });
});

test('a header value cannot carry a second header', () => {
  const { errors } = complaintsOf('VirtualService', rule(`headers: {response: {set: {x: "a\\r\\nset-cookie: b"}}}, ${TO_A}`));
  expect(errors).toEqual(['a header value must be one line']);
});

test('unknown fields are found in parts that this mesh does not apply, too', () => {
  expect(complaintsOf('DestinationRule', policy('tls: {mode: SIMPLE, sniHost: a}')).errors).toEqual(['unknown field "sniHost"']);
});

test('the old name of consecutive errors teaches: it is ignored, this holds, write that', () => {
  const told = (more: string) => complaintsOf('DestinationRule', policy(`outlierDetection: {consecutiveErrors: 3${more}}`)).warnings;
  expect(told('')).toEqual([
    "outlier detection consecutive errors is deprecated, use consecutiveGatewayErrors or consecutive5xxErrors instead: consecutiveErrors: 3 is ignored, as in Istio; Envoy's default, 5 errors (5xx) in a row, decides. Write consecutive5xxErrors: 3 to mean it",
  ]);
  expect(told(', consecutiveGatewayErrors: 2')[0]).toContain('ignored, as in Istio; consecutiveGatewayErrors: 2 decides');
});

test('failover without anything that ejects is told to do nothing; a subset has what ejects from its rule', () => {
  const FAILOVER = 'loadBalancer: {localityLbSetting: {failover: [{from: a, to: b}]}}';
  const subset = `subsets: [{name: v1, trafficPolicy: {${FAILOVER}}}]`;
  const told = (spec: string) => complaintsOf('DestinationRule', spec).warnings;
  expect(told(policy(FAILOVER))).toEqual(['outlier detection policy must be provided for failover']);
  expect(told(`host: a, ${subset}`)).toEqual(['outlier detection policy must be provided for failover']);
  expect(told(`${policy('outlierDetection: {}')}, ${subset}`)).toEqual([]);
});

test('an idle timeout of 0 switches it off, for connections', () => {
  expect(complaintsOf('DestinationRule', policy('connectionPool: {tcp: {idleTimeout: 0s}}'))).toEqual({ errors: [], warnings: [] });
});
