/** The same of mutual TLS, authorization, tokens and external authorization: TL, AZ, JW, EA. */
import { type Behaviour, open, proved } from './behaviour.ts';

const identity: readonly Behaviour[] = [
  proved('TL-01', 'no policy: sidecars speak mutual TLS by themselves', 'SEC-MTLS-001', 'SEC-MTLS-060'),
  proved('TL-02', 'PERMISSIVE serves plain text, from nobody', 'SEC-MTLS-002'),
  proved('TL-03', 'STRICT ends plain text without a byte of HTTP', 'SEC-MTLS-003', 'SEC-MTLS-061', 'SEC-TCP-006', 'SEC-SEED-001'),
  proved('TL-04', 'STRICT and a caller that disables TLS: 503 UC', 'SEC-MTLS-004'),
  proved('TL-05', 'DISABLE: plain text between sidecars', 'SEC-MTLS-005'),
  proved('TL-06', 'DISABLE and a caller that insists: 503 UF', 'SEC-MTLS-006'),
  proved('TL-07', 'mesh, namespace, workload, port; UNSET; the oldest', 'SEC-MTLS-007', 'SEC-MTLS-008', 'SEC-MTLS-009'),
  proved(
    'TL-08',
    'certificates that are refused: foreign, late, early, of no authority, for servers only',
    'SEC-MTLS-010',
    'SEC-MTLS-011',
    'SEC-MTLS-012',
    'SEC-MTLS-013',
    'SEC-MTLS-014',
    'SEC-MTLS-015',
  ),
  proved('TL-09', 'a server with another identity is not asked: UF', 'SEC-MTLS-016', 'SEC-MTLS-025'),
  proved('TL-10', 'ALPN as Istio', 'SEC-MTLS-018'),
  proved('TL-11', 'SNI names port, subset and host', 'SEC-MTLS-017', 'SEC-AUTHZ-054'),
  proved('TL-12', 'TLS 1.2 and 1.3, and the lowest that is wanted', 'SEC-MTLS-019', 'SEC-MTLS-020'),
  proved('TL-13', 'what a certificate says, and what programs are told of it', 'SEC-MTLS-021', 'SEC-MTLS-022', 'SEC-MTLS-024'),
  proved('TL-14', 'renewal and a change of roots while requests run', 'SEC-ROT-001', 'SEC-ROT-002', 'SEC-ROT-060'),
  proved('TL-15', 'PERMISSIVE to STRICT under load', 'SEC-MTLS-023'),
  proved('TL-16', 'nobody certifies: on until expiry, then closed, and it shows', 'SEC-ROT-003', 'SEC-ROT-004'),
  open('TL-17', 'nobody gets another’s identity; a token is good once', 'asked of the authority itself: tests of controlplane/ca'),
];

const authorization: readonly Behaviour[] = [
  proved('AZ-01', 'no policy: allowed', 'SEC-AUTHZ-001'),
  proved('AZ-02', 'an empty spec denies everything', 'SEC-AUTHZ-002', 'SEC-AUTHZ-060'),
  proved('AZ-03', 'the seed: one caller, one method', 'SEC-AUTHZ-003', 'SEC-SEED-001', 'SEC-AUTHZ-061'),
  proved('AZ-04', 'plain text has no principal', 'SEC-AUTHZ-026', 'SEC-AUTHZ-027', 'SEC-AUTHZ-028'),
  proved('AZ-05', 'DENY before ALLOW, and the log names it', 'SEC-AUTHZ-004', 'SEC-AUTHZ-005', 'SEC-AUTHZ-006', 'SEC-AUTHZ-007'),
  proved('AZ-06', 'CUSTOM before both', 'SEC-EXTAUTHZ-002', 'SEC-EXTAUTHZ-003'),
  proved('AZ-07', 'forms of paths', 'SEC-AUTHZ-041', 'SEC-AUTHZ-042'),
  proved('AZ-08', 'the query is not part of the path', 'SEC-AUTHZ-040'),
  proved(
    'AZ-09',
    'spellings of paths, hosts and fields, by normalization',
    'SEC-HOSTILE-001',
    'SEC-HOSTILE-002',
    'SEC-HOSTILE-003',
    'SEC-HOSTILE-004',
    'SEC-HOSTILE-005',
  ),
  proved('AZ-10', 'methods, ports, hosts', 'SEC-AUTHZ-043', 'SEC-AUTHZ-044', 'SEC-AUTHZ-045', 'SEC-AUTHZ-046'),
  proved('AZ-11', 'not… excludes', 'SEC-AUTHZ-025', 'SEC-AUTHZ-047'),
  proved(
    'AZ-12',
    'principals, namespaces and accounts of callers',
    'SEC-AUTHZ-020',
    'SEC-AUTHZ-021',
    'SEC-AUTHZ-022',
    'SEC-AUTHZ-023',
    'SEC-AUTHZ-024',
    'SEC-AUTHZ-029',
  ),
  proved('AZ-13', 'ipBlocks and remoteIpBlocks', 'SEC-AUTHZ-030', 'SEC-AUTHZ-031'),
  proved('AZ-14', 'conditions', 'SEC-AUTHZ-050', 'SEC-AUTHZ-051', 'SEC-AUTHZ-052', 'SEC-AUTHZ-053', 'SEC-AUTHZ-055', 'SEC-AUTHZ-056'),
  proved('AZ-15', 'conditions on claims', 'SEC-JWT-007'),
  proved('AZ-16', 'a request principal is wanted: 403 without', 'SEC-JWT-005', 'SEC-JWT-006'),
  proved('AZ-17', 'DENY of everybody without a token', 'SEC-AUTHZ-032'),
  proved('AZ-18', 'root namespace and selectors', 'SEC-AUTHZ-008', 'SEC-AUTHZ-009'),
  proved('AZ-19', 'AUDIT', 'SEC-AUTHZ-012'),
  proved('AZ-20', 'dry run', 'SEC-AUTHZ-011'),
  proved('AZ-21', 'a TCP port: the connection ends', 'SEC-TCP-001', 'SEC-TCP-002', 'SEC-TCP-005'),
  proved('AZ-22', 'fields of HTTP on a TCP port', 'SEC-TCP-003', 'SEC-TCP-004'),
  proved('AZ-23', 'a policy changes on open connections', 'SEC-AUTHZ-010', 'SEC-AUTHZ-013'),
  proved('AZ-24', 'an unknown provider denies', 'SEC-EXTAUTHZ-005'),
];

const tokens: readonly Behaviour[] = [
  proved('JW-01', 'a good token, and none', 'SEC-JWT-001'),
  proved('JW-03', 'bad tokens of all kinds: 401, in Envoy’s words', 'SEC-JWT-002', 'SEC-JWT-003', 'SEC-JWT-014'),
  proved('JW-07', 'another audience: 403', 'SEC-JWT-004'),
  proved('JW-08', 'the token reaches the program only when it is forwarded', 'SEC-JWT-008'),
  proved('JW-09', 'claims and payload as headers', 'SEC-JWT-009'),
  proved('JW-11', 'key sets: without keys, and with others than before', 'SEC-JWT-012', 'SEC-JWT-013'),
  proved('JW-12', 'fromHeaders, fromParams, fromCookies', 'SEC-JWT-010', 'SEC-JWT-011'),
];

const external: readonly Behaviour[] = [
  open('EA-01', 'local rate limits', 'not in this slice'),
  proved('EA-03', 'the authorizer’s refusal is the answer, UAEX', 'SEC-EXTAUTHZ-001'),
  proved('EA-04', 'what the authorizer is shown', 'SEC-EXTAUTHZ-006'),
  proved('EA-05', 'an authorizer that is down: 403, statusOnError, failOpen', 'SEC-EXTAUTHZ-004'),
];

/** All of them. */
export const securityBehaviours: readonly Behaviour[] = [...identity, ...authorization, ...tokens, ...external];
