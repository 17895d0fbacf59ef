/** Documented behaviours of Istio and Envoy in this slice, and the cases that prove each; what has none says why. Numbers are those of the project's catalogue. */
import type { CaseId } from './registry.ts';

/** One documented behaviour. open: why no case proves it yet. */
export interface Behaviour {
  readonly id: string;
  readonly says: string;
  readonly cases: readonly CaseId[];
  readonly open?: string;
}

const proved = (id: string, says: string, ...cases: readonly CaseId[]): Behaviour => ({ id, says, cases });
const open = (id: string, says: string, why: string): Behaviour => ({ id, says, cases: [], open: why });

/** LR, RT, TO, RY. */
const requests: readonly Behaviour[] = [
  proved('LR-01', 'local replies are text/plain, have their length and no upstream time', 'RES-ERR-001', 'HDR-RESP-002'),
  proved('LR-02', 'no route: 404, empty, NR', 'TRAF-MATCH-013', 'GW-ROUTE-001'),
  proved('LR-03', 'a cluster that is not there: 503, empty, NC', 'TRAF-SUBSET-002'),
  proved('LR-04', 'a cluster without endpoints: 503 no healthy upstream, UH', 'TRAF-SUBSET-004', 'RES-ERR-001', 'DISC-NS-001'),
  proved('LR-05', 'a refused connection: 503, UF, URX when retries ran out', 'RES-ERR-002', 'RES-RETRY-009'),
  open(
    'LR-06',
    'a connection that is never completed: connection timeout, UF',
    'needs an endpoint that drops packets; covered by tests of proxy/upstream',
  ),
  proved('LR-07', 'upstream closes before its head: connection termination, UC', 'RES-ERR-003'),
  open('LR-09', 'malformed upstream HTTP: 502, UPE', 'the echo cannot misbehave byte by byte yet; covered by tests of proxy/codec'),
  open('LR-10', 'a failure after the head resets the connection', 'the echo cannot stop within a body yet'),
  proved('LR-11', 'a client that leaves: status 0, DC', 'RES-ERR-005'),
  proved('LR-12', 'gRPC callers get trailers-only answers with a mapped grpc-status', 'RES-ERR-004'),
  proved('LR-13', 'flags are joined by commas; none is -', 'RES-ERR-002', 'RES-RETRY-008', 'RES-RETRY-003'),
  proved('RT-01', 'a header rule, then the default: order decides', 'TRAF-MATCH-001', 'TRAF-MATCH-014', 'TRAF-MATCH-019'),
  proved('RT-02', 'a catch-all in front always wins', 'TRAF-MATCH-009'),
  proved('RT-03', 'weights 90 and 10, each request drawn for itself', 'TRAF-WEIGHT-001', 'TRAF-WEIGHT-004'),
  proved('RT-04', 'weights are relative', 'TRAF-WEIGHT-002'),
  proved('RT-05', 'weight 0 gets nothing', 'TRAF-WEIGHT-003'),
  proved('RT-06', 'a uri prefix is text', 'TRAF-MATCH-007'),
  proved('RT-07', 'uri exact: any query, no other path', 'TRAF-MATCH-006'),
  proved('RT-08', 'uri regex: the whole path', 'TRAF-MATCH-008'),
  proved(
    'RT-09',
    'header regex, prefix, exact, presence, withoutHeaders',
    'TRAF-MATCH-002',
    'TRAF-MATCH-003',
    'TRAF-MATCH-004',
    'TRAF-MATCH-005',
  ),
  proved('RT-10', 'AND inside a block, OR across blocks', 'TRAF-MATCH-010', 'TRAF-MATCH-016'),
  proved(
    'RT-11',
    'query, method, authority, ignoreUriCase, port',
    'TRAF-MATCH-011',
    'TRAF-MATCH-012',
    'TRAF-MATCH-015',
    'TRAF-MATCH-017',
    'TRAF-MATCH-018',
  ),
  proved('RT-12', 'without gateways a VirtualService is not at the gateway', 'GW-ROUTE-003', 'GW-ROUTE-005'),
  proved('RT-13', 'with only a gateway the sidecars stay as they were', 'GW-ROUTE-006'),
  proved('RT-14', 'all forms of a host name; the bare one in its own namespace only', 'TRAF-HOST-001', 'TRAF-HOST-002', 'TRAF-NS-001'),
  proved('RT-15', 'of two VirtualServices for one host the older holds', 'TRAF-PREC-001', 'TRAF-PREC-002'),
  proved('RT-16', 'sourceLabels and sourceNamespace choose the sidecars', 'TRAF-NS-003'),
  proved('RT-17', 'without a VirtualService all versions answer', 'TRAF-SUBSET-001', 'XDS-APPLY-003'),
  proved('RT-18', 'a subset that is not defined yet: NC until it is', 'TRAF-SUBSET-002', 'XDS-ORDER-001'),
  open('RT-19', 'delegate', 'not applied by this mesh; told when it is applied'),
  proved('TO-01', 'a route timeout: 504, UT, response_timeout', 'RES-TIME-001'),
  proved('TO-02', 'no timeout: a slow answer is waited for', 'RES-TIME-001'),
  proved('TO-04', 'perTryTimeout ends each try; the last one is the answer', 'RES-RETRY-008'),
  open(
    'TO-06',
    'upstream is told the budget that is left',
    "the callee's sidecar takes x-envoy-expected-rq-timeout-ms away; covered by tests of proxy/router",
  ),
  proved('RY-01', 'default policy: connection failures, two retries', 'RES-ERR-002', 'RES-RETRY-001'),
  proved('RY-02', 'default policy: an answered 503 is not retried', 'RES-RETRY-003'),
  proved('RY-03', 'attempts 3: four tries, then the last answer and URX', 'RES-RETRY-002'),
  proved('RY-04', 'x-envoy-attempt-count counts tries', 'RES-RETRY-002', 'HDR-HOP-001'),
  proved('RY-05', 'attempts 0: one try', 'RES-RETRY-009'),
  proved('RY-06', 'gateway-error', 'RES-RETRY-005'),
  proved('RY-07', '5xx', 'RES-RETRY-004', 'RES-RETRY-008'),
  proved('RY-09', 'retriable-4xx', 'RES-RETRY-005'),
  proved('RY-10', 'status codes among the conditions', 'RES-RETRY-006'),
  proved('RY-13', 'a retry avoids hosts that were tried', 'RES-RETRY-001'),
  open('RY-14', 'back-off is random below a growing ceiling', 'only upper bounds could be asserted; covered by tests of proxy/router'),
  proved('RY-17', 'the body is sent again byte for byte', 'RES-RETRY-007'),
  proved('RY-20', 'a POST is retried too', 'RES-RETRY-007'),
  proved('RY-22', 'upstream_rq_retry counts retries', 'RES-RETRY-001', 'RES-RETRY-003'),
];

/** CB, LB, FI, MI, RW. */
const policies: readonly Behaviour[] = [
  proved('CB-02', 'one connection, one pending: more overflow', 'RES-BREAK-001'),
  proved('CB-03', 'overflow: 503, UO, x-envoy-overloaded', 'RES-BREAK-001'),
  proved('CB-04', 'an overflow is counted and reaches nobody', 'RES-BREAK-001'),
  proved('CB-05', 'maxConnections alone queues', 'RES-BREAK-002'),
  proved('CB-06', 'http2MaxRequests counts HTTP/1.1 too', 'RES-BREAK-003'),
  proved('CB-07', 'maxRequestsPerConnection', 'RES-BREAK-004'),
  proved('CB-08', 'limits are per proxy', 'RES-BREAK-003'),
  open('OD', 'outlier detection', 'not in this slice'),
  open('LB-01', 'least request spares the slow host', 'covered by tests of proxy/upstream/balancers'),
  proved('LB-02', 'round robin is exact', 'TRAF-POLICY-001'),
  proved('LB-04', 'endpoints get shares by weight', 'DISC-SE-002'),
  open('LB-05', 'consistent hashing', 'not in this slice'),
  proved('FI-01', 'abort for whom it matches, FI', 'RES-FAULT-001'),
  proved('FI-02', 'delay, DI', 'RES-FAULT-003'),
  proved('FI-03', 'delay before abort', 'RES-FAULT-006'),
  proved('FI-04', 'a percentage is a share', 'RES-FAULT-004'),
  proved('FI-05', 'no percentage: never', 'RES-FAULT-002'),
  proved('FI-06', 'the timeout of the rule does not end a delay', 'RES-FAULT-005'),
  proved('FI-07', 'the retries of the rule do not repeat an abort', 'RES-FAULT-005'),
  proved('FI-11', '555 is delivered as it is', 'RES-FAULT-004'),
  proved('MI-01', 'the mirror gets a copy, the caller its own answer', 'TRAF-MIRROR-001'),
  proved('MI-02', 'a mirror that is not there changes nothing', 'TRAF-MIRROR-002'),
  proved('MI-03', 'no -shadow suffix', 'TRAF-MIRROR-001'),
  proved('MI-04', 'mirrorPercentage 0 and absent', 'TRAF-MIRROR-001', 'TRAF-MIRROR-002'),
  proved('RW-01', 'prefix rewrite keeps rest and query', 'TRAF-REWRITE-001'),
  proved('RW-03', 'rewrite after exact: the whole path, query kept', 'TRAF-REWRITE-002'),
  proved('RW-04', 'uriRegexRewrite', 'TRAF-REWRITE-002'),
  proved('RW-05', 'authority rewrite', 'TRAF-REWRITE-003'),
  proved('RW-06', 'redirect: 301, query kept', 'TRAF-REDIRECT-001'),
  proved('RW-07', 'redirect codes', 'TRAF-REDIRECT-001'),
  proved('RW-08', 'httpsRedirect', 'GW-TLS-001'),
  proved('RW-09', 'direct response', 'TRAF-DIRECT-001'),
  proved('RW-10', 'set, add, remove; per destination', 'TRAF-HDR-001', 'TRAF-HDR-002', 'TRAF-HDR-003'),
  proved('RW-11', 'preflight of an allowed origin', 'TRAF-CORS-001'),
  proved('RW-12', 'preflight of another origin: forwarded, or ignored', 'TRAF-CORS-002'),
  proved('RW-13', 'other origins are not blocked', 'TRAF-CORS-001', 'TRAF-CORS-002'),
];

/** HD, H1. */
const messages: readonly Behaviour[] = [
  proved('HD-01', 'server: envoy, istio-envoy at the gateway', 'HDR-RESP-001', 'GW-HDR-001'),
  proved('HD-02', 'x-envoy-upstream-service-time', 'HDR-RESP-001', 'HDR-RESP-002'),
  proved('HD-03', 'a request id where there is none', 'HDR-ID-001'),
  proved('HD-04', 'a sidecar keeps the id', 'HDR-ID-002'),
  proved('HD-05', 'a gateway replaces it', 'GW-HDR-001'),
  proved('HD-07', 'a gateway appends to x-forwarded-for', 'GW-HDR-001'),
  proved('HD-08', 'a sidecar does not; it sets x-forwarded-proto', 'HDR-FWD-001', 'HDR-HOP-001'),
  proved('HD-10', 'x-envoy-attempt-count', 'HDR-HOP-001'),
  proved('HD-11', 'control fields of clients are taken away', 'HDR-INT-001'),
  proved('HD-12', 'x-forwarded-client-cert without TLS is taken away', 'HDR-FWD-001'),
  proved('HD-13', 'hop-by-hop fields stay behind', 'H1-HOP-001', 'H1-HOP-002', 'H1-HOP-003'),
  proved('HD-14', 'names in lower case', 'H1-CASE-001'),
  proved('HD-17', 'paths are normalized, slashes not merged', 'H1-PATH-001', 'H1-PATH-002', 'H1-PATH-003'),
  proved('HD-18', 'a date is added', 'HDR-RESP-002'),
  proved('H1-01', 'HTTP/1.0: 426', 'H1-VER-001'),
  proved('H1-02', 'no Host: 400', 'H1-HOST-001', 'H1-HOST-002'),
  proved('H1-03', 'head over 60 KiB: 431', 'H1-LIMIT-001'),
  proved('H1-04', 'more than 100 fields: 431', 'H1-LIMIT-002'),
  proved('H1-05', 'two ways to read a length: refused', 'H1-SMUG-001', 'H1-SMUG-002', 'H1-SMUG-003', 'H1-SMUG-004'),
  proved(
    'H1-06',
    'malformed heads and chunks: 400, closed',
    'H1-LINE-001',
    'H1-LINE-002',
    'H1-LINE-003',
    'H1-FRAME-001',
    'H1-FRAME-002',
    'H1-METHOD-001',
    'H1-CONNECT-001',
    'H1-CHUNK-003',
  ),
  proved('H1-07', 'WebSocket upgrades, and no others', 'H1-UPGRADE-001', 'H1-UPGRADE-002', 'H1-UPGRADE-003'),
  proved('H1-08', '100-continue end to end', 'H1-EXPECT-001', 'H1-EARLY-001'),
  proved('H1-09', 'trailers are dropped', 'H1-TRAILER-001'),
  proved('H1-10', 'bodies pass byte for byte', 'H1-CHUNK-001', 'H1-CHUNK-002', 'H1-BODY-001', 'H1-HEAD-001', 'H1-TARGET-001'),
  open('H1-11', 'HTTP/2 to and from clients', 'not in this slice'),
  proved('H1-12', 'connections are reused', 'H1-KEEP-001', 'H1-PIPE-001'),
  proved('H1-14', 'a tcp port is bytes', 'DISC-TCP-001'),
];

/** EG, GW, AL, AD, XD, LC. */
const operations: readonly Behaviour[] = [
  proved('EG-01', 'an unknown host passes', 'DISC-ANY-001'),
  open('EG-02', 'REGISTRY_ONLY', 'the suite has one mesh configuration; covered by tests of controlplane/translate'),
  proved('EG-04', 'a ServiceEntry makes a host known', 'DISC-SE-001', 'DISC-SE-003', 'DISC-WE-001', 'DISC-PORT-001'),
  proved('GW-01', 'a Gateway without routes: 404 NR', 'GW-ROUTE-001'),
  proved('GW-02', 'a host that no Gateway lists: 404', 'GW-HOST-001', 'GW-HOST-002', 'GW-HOST-003'),
  proved('GW-03', 'no Gateway on the port: refused', 'GW-PORT-001'),
  proved('GW-04', "Bookinfo's own routes", 'GW-ROUTE-002', 'GW-ROUTE-004'),
  open('GW-05', 'TLS at the gateway', 'not in this slice'),
  open('TL', 'mTLS, authorization, JWT', 'not in this slice; the rbac filter is covered by tests of proxy/filters'),
  proved('AL-04', 'one call, both sidecars tell of it under one request id', 'TRAF-HOP-001'),
  proved('AL-05', 'the record names the cluster as it is', 'TRAF-SUBSET-001', 'DISC-PORT-001'),
  proved('AL-07', 'the record keeps the path that was asked', 'TRAF-REWRITE-001'),
  proved('AD-01', '/clusters', 'ADMIN-PAGE-002'),
  proved('AD-02', '/config_dump', 'ADMIN-PAGE-002'),
  proved('AD-03', '/stats: an exchange counts once, its tries apart', 'RES-STAT-001', 'RES-STAT-002'),
  proved('AD-05', '/ready', 'ADMIN-READY-001'),
  proved('AD-08', '/healthcheck/fail and ok', 'ADMIN-READY-001'),
  proved('AD-09', '/drain_listeners', 'ADMIN-DRAIN-001'),
  proved('AD-10', 'changing pages want POST', 'ADMIN-PAGE-001'),
  proved('AD-11', 'an unknown path lists what there is', 'ADMIN-PAGE-001'),
  proved('XD-01', 'ACK: version and nonce', 'XDS-ACK-001', 'XDS-SYNC-001'),
  proved('XD-02', 'NACK: the reason is kept, the last good one stays', 'XDS-NACK-001'),
  open('XD-03', 'good resources of a refused response are used', 'needs a control plane of the case; covered by tests of proxy/xds'),
  proved('XD-04', 'a control plane that is away changes nothing', 'XDS-LIVE-001'),
  open('XD-05', 'delta', 'refused with what to do instead'),
  proved('XD-06', 'by name, or all', 'XDS-NAMES-001'),
  proved('XD-07', 'make before break', 'XDS-ORDER-001', 'XDS-ORDER-002', 'XDS-ACK-001'),
  open('XD-08', 'clusters and listeners wait for what they name', 'needs a control plane of the case; covered by tests of proxy/xds'),
  proved('XD-10', 'a stale nonce is ignored', 'XDS-NONCE-001'),
  proved('LC-01', 'changes under load: nothing fails', 'LIVE-CHANGE-001', 'LIVE-CHANGE-002'),
  proved('LC-02', 'limits change in force', 'RES-BREAK-005'),
  proved('LC-03', 'endpoints come and go', 'DISC-SE-003', 'DISC-LIVE-001', 'LIVE-CHANGE-003'),
  proved('LC-05', 'draining answers close', 'ADMIN-READY-001', 'ADMIN-DRAIN-001'),
  proved('LC-08', 'refused configuration changes nothing', 'XDS-APPLY-002', 'XDS-APPLY-004'),
  proved('LC-09', 'from apply to the first request that obeys', 'XDS-APPLY-001'),
  proved('DR-01', 'several DestinationRules of one namespace are one', 'TRAF-RULE-001'),
  proved('DR-02', "lookup: the caller's namespace first", 'TRAF-RULE-002'),
  proved('DR-03', 'subset and port policies replace the rule’s', 'TRAF-POLICY-002', 'TRAF-POLICY-003'),
  proved('DR-04', 'a subset is chosen by all its labels', 'TRAF-SUBSET-003', 'TRAF-SUBSET-005'),
  proved('EX-01', 'exportTo', 'TRAF-NS-002'),
];

/** All of them, by group. */
export const behaviours: readonly Behaviour[] = [...requests, ...policies, ...messages, ...operations];

/** Two lines a behaviour: number and cases, or the reason that there is none; then its sentence. The sum last. */
export const coverageTable = (): string => {
  const rows = behaviours.map(({ id, says, cases, open: why }) => {
    const proof = why === undefined ? cases.join(' ') : `open: ${why}`;
    return `${id.padEnd(6)} ${proof}\n       ${says}`;
  });
  const unproved = behaviours.filter(({ open: why }) => why !== undefined).length;
  return [...rows, `${behaviours.length - unproved} behaviours proved, ${unproved} open`].join('\n');
};
