/** What Envoy and Istio document of traffic policy beyond the first rows: ejection, balancing, health checks, and the depth of retries, limits, faults and routes. */
import { type Behaviour, open, proved } from './behaviour.ts';

const retriesAndTimeouts: readonly Behaviour[] = [
  proved('TO-03', 'perTryTimeout without a condition that covers it ends the one try', 'RES-RETRY-016'),
  proved('TO-05', 'the timeout of the route bounds all tries together, and is not retried', 'RES-TIME-002'),
  proved('TO-06', 'upstream is told the budget that is left', 'RES-TIME-005'),
  proved('TO-07', 'an idle stream: 504 stream timeout, SI', 'RES-TIME-006'),
  proved('TO-08', 'a timeout after the head cuts the body', 'RES-TIME-003'),
  proved('TO-09', 'no default timeout in Istio', 'RES-TIME-004'),
  proved('TO-10', 'a request that does not arrive whole in time: 408', 'RES-TIME-007'),
  proved('TO-11', 'grpc-timeout is a deadline', 'RES-TIME-008'),
  proved('RY-08', 'reset and connect-failure retry their own kind', 'RES-RETRY-010'),
  proved('RY-11', 'gRPC conditions read grpc-status in the head', 'RES-RETRY-011'),
  open('RY-12', 'refused-stream, reset-before-request, retriable-headers', 'covered by tests of proxy/router'),
  proved('RY-14', 'back-off is random below a growing ceiling', 'RES-RETRY-017'),
  proved('RY-15', 'an overflow is never retried', 'RES-BREAK-013'),
  proved('RY-16', 'x-envoy-ratelimited is not retried', 'RES-RETRY-012'),
  proved('RY-18', 'maxRetries bounds retries at once: UO', 'RES-BREAK-011'),
  proved('RY-19', 'nothing is retried once the answer has begun', 'RES-RETRY-013'),
  proved('RY-23', 'a body larger than the buffer is sent once', 'RES-RETRY-014'),
  proved('RY-24', "the founding text's policy: four tries of 2 s", 'RES-RETRY-015', 'RES-RETRY-060', 'RES-RETRY-061'),
  proved('RY-25', 'retries multiply over hops', 'RES-RETRY-018'),
];

const limits: readonly Behaviour[] = [
  proved('CB-01', 'no limit where none is set', 'RES-BREAK-005'),
  proved('CB-09', 'overflows are no failures of hosts', 'RES-BREAK-012'),
  proved('CB-11', 'gauges say which limit is reached', 'RES-BREAK-006'),
  proved('CB-12', "the founding text's limits, to the request", 'RES-BREAK-007', 'RES-BREAK-060'),
  proved('CB-13', 'a place is free when the stream has ended, however it ends', 'RES-BREAK-008', 'RES-BREAK-009', 'RES-BREAK-010'),
  proved('CB-14', 'each subset has limits of its own', 'RES-BREAK-014'),
  proved('CB-15', 'idleTimeout, maxConnectionDuration, one request a connection', 'RES-BREAK-015', 'RES-BREAK-016', 'RES-BREAK-017'),
];

const ejection: readonly Behaviour[] = [
  proved('OD-01', 'consecutive 5xx eject at once', 'RES-EJECT-001', 'RES-EJECT-060'),
  proved('OD-02', 'a success resets the run', 'RES-EJECT-002'),
  proved('OD-03', 'back after base time and the next sweep', 'RES-EJECT-015', 'RES-EJECT-016'),
  proved('OD-04', 'base times the number of ejections, less one a quiet interval', 'RES-EJECT-017', 'RES-EJECT-018'),
  proved('OD-05', 'maxEjectionPercent 10 of few hosts ejects nobody', 'RES-EJECT-006'),
  proved('OD-06', 'maxEjectionPercent 50 of three: one', 'RES-EJECT-007'),
  proved('OD-08', 'all ejected, no panic: UH', 'RES-EJECT-008'),
  proved('OD-09', 'minHealthPercent: panic', 'RES-EJECT-009'),
  proved('OD-10', 'gateway errors apart', 'RES-EJECT-004'),
  proved('OD-11', 'resets and timeouts count as 5xx; 4xx do not', 'RES-EJECT-010', 'RES-EJECT-003'),
  proved('OD-12', 'local-origin errors apart', 'RES-EJECT-011'),
  proved('OD-13', 'consecutiveErrors is not read', 'RES-EJECT-005'),
  proved('OD-14', 'state is per proxy', 'RES-EJECT-012'),
  proved('OD-15', 'what is known of hosts outlives changes of endpoints', 'RES-EJECT-014'),
  proved('OD-16', 'each try counts on its host', 'RES-EJECT-013'),
  open('OD-17', 'success rate and failure percentage', 'Istio has no field for them; covered by tests of proxy/upstream/outlier-detection'),
];

const balancing: readonly Behaviour[] = [
  proved('LB-01', 'least request spares the busy host, and is the default', 'LB-LEAST-001', 'LB-LEAST-002'),
  proved('LB-03', 'random is uniform', 'LB-RAND-001'),
  proved('LB-05', 'consistent hash by header', 'LB-HASH-001', 'LB-HASH-002', 'LB-HASH-060'),
  proved('LB-06', 'by cookie, made where it has a ttl', 'LB-HASH-003', 'LB-HASH-004'),
  proved('LB-07', 'by query parameter and by source address', 'LB-HASH-005'),
  proved('LB-08', 'few keys move, and none for a ring that is made anew', 'LB-HASH-006', 'LB-HASH-007', 'LB-HASH-008'),
  proved('LB-09', 'weights first, the hash inside', 'LB-HASH-009'),
  proved('LB-10', 'priorities and overprovisioning', 'LB-PRIO-001'),
  proved('LB-12', 'localities by weight', 'LB-LOC-001'),
  open('LB-13', 'warm-up', 'covered by tests of proxy/upstream/balancers'),
  proved('LB-14', 'PASSTHROUGH goes where the program dialled', 'LB-PASS-001'),
  proved('LB-16', 'round robin has a fixed order', 'LB-RR-001', 'LB-RR-060'),
  proved('LB-17', 'a retry of a hashed request keeps its host', 'LB-HASH-010'),
  proved('LB-18', 'panic threshold', 'LB-PANIC-001', 'LB-PANIC-002'),
  proved('LB-19', 'subsets by metadata, with fallback', 'LB-SUBSET-001'),
];

const healthChecks: readonly Behaviour[] = [
  proved('HC-02', 'an unexpected status is a failure at once', 'RES-HC-001'),
  proved('HC-03', 'thresholds; the first answer of a new host is enough', 'RES-HC-002', 'RES-HC-003'),
  proved('HC-05', 'TCP checks', 'RES-HC-005'),
  open('HC-04', 'gRPC checks', 'the echo speaks no gRPC; covered by tests of proxy/upstream/health-checks'),
  proved('HC-06', 'x-envoy-immediate-health-check-fail', 'RES-HC-006'),
  proved('HC-07', 'what the registry takes away is not asked', 'RES-HC-008'),
  proved('HC-08', 'expected statuses', 'RES-HC-004'),
  proved('HC-09', 'checks by EnvoyFilter', 'RES-HC-007'),
];

const routes: readonly Behaviour[] = [
  proved('FI-08', 'abort by gRPC status', 'TRAF-FAULT-001'),
  proved('FI-09', 'delay and abort are independent draws', 'TRAF-FAULT-002'),
  proved('FI-10', 'aborts are no errors of hosts', 'TRAF-FAULT-003'),
  proved('MI-05', 'a share of copies, counted as their own', 'TRAF-MIRROR-003'),
  proved('MI-06', 'one copy a request; its answer is dropped, and nobody waits for it', 'TRAF-MIRROR-004', 'TRAF-MIRROR-005'),
  proved('MI-07', 'several mirrors', 'TRAF-MIRROR-006'),
  proved('RW-02', 'no double slash; x-envoy-original-path', 'TRAF-REWRITE-004'),
  proved('RW-14', 'retries carry the same rewrite', 'TRAF-REWRITE-005'),
  proved('RW-15', 'redirect codes, schemes and ports', 'TRAF-REDIRECT-002'),
  proved('RW-16', "a destination's edits come before its rule's", 'TRAF-HDR-004'),
  proved('RW-17', 'origins by exact, prefix and regex; counted', 'TRAF-CORS-003', 'TRAF-CORS-004'),
  proved('EA-31', 'local rate limit: 429, RL', 'TRAF-RATE-001', 'TRAF-RATE-002', 'TRAF-RATE-003', 'TRAF-RATE-004'),
  proved('EG-07', 'tcp weights and matches, per connection', 'TRAF-TCP-001', 'TRAF-TCP-002'),
  proved('EG-08', 'tls routes by SNI, bytes untouched', 'TRAF-TLS-001'),
  proved('EG-09', 'a tcp connection that nobody takes is closed', 'TRAF-TCP-003'),
];

/** By group: TO and RY, CB, OD, LB, HC; FI, MI, RW, EA and EG. */
export const trafficBehaviours: readonly Behaviour[] = [
  ...retriesAndTimeouts,
  ...limits,
  ...ejection,
  ...balancing,
  ...healthChecks,
  ...routes,
];
