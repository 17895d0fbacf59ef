/** Hosts under `DENY hosts ["secret.com"]` and role headers under `DENY request.headers[x-role] = admin`. */
import type { HostileRow } from './row.ts';

const request = (...lines: readonly string[]): string => `${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n`;

/** Ways to name a host. */
export const hostileHosts: readonly HostileRow[] = [
  { id: 'H-00', source: 'Istio AuthorizationPolicy, hosts', bytes: request('GET /x HTTP/1.1', 'Host: secret.com'), verdict: 'denied' },
  {
    id: 'H-01',
    source: 'CVE-2021-39155: hosts compared with case',
    bytes: request('GET /x HTTP/1.1', 'Host: Secret.COM'),
    verdict: 'denied',
  },
  {
    id: 'H-02',
    source: 'Istio security best practices: the port is part of the host',
    bytes: request('GET /x HTTP/1.1', 'Host: secret.com:8080'),
    verdict: 'passed',
  },
  {
    id: 'H-03',
    source: 'CVE-2022-24825: a trailing dot is the same host',
    bytes: request('GET /x HTTP/1.1', 'Host: secret.com.'),
    verdict: ['denied', 'refused'],
    // Its connection managers keep the dot.
    underIstiod: 'passed',
  },
  {
    id: 'H-04a',
    source: 'RFC 9112 3.2: two Host fields',
    bytes: request('GET /x HTTP/1.1', 'Host: app.com', 'Host: secret.com'),
    verdict: ['refused', 'denied', 'passed'],
  },
  {
    id: 'H-05',
    source: 'RFC 9112 3.2.2: the absolute form wins',
    bytes: request('GET http://secret.com/x HTTP/1.1', 'Host: app.com'),
    verdict: ['denied', 'refused'],
  },
  {
    id: 'H-06',
    source: 'CVE-2023-35944: the case of the scheme',
    bytes: request('GET HTTP://secret.com/x HTTP/1.1', 'Host: app.com'),
    verdict: ['denied', 'refused'],
  },
  {
    id: 'H-07a',
    source: 'RFC 9110 4.2.4: userinfo',
    bytes: request('GET http://app.com@secret.com/ HTTP/1.1', 'Host: app.com'),
    verdict: ['refused', 'denied'],
  },
  {
    id: 'H-07b',
    source: 'RFC 9110 4.2.4: userinfo',
    bytes: request('GET /x HTTP/1.1', 'Host: a@secret.com'),
    verdict: 'refused',
    onEnvoy: 'passed',
  },
  {
    id: 'H-11',
    source: 'CVE-2026-26310: a scoped IPv6 address',
    bytes: request('GET /x HTTP/1.1', 'Host: [fe80::1%eth0]:80'),
    verdict: ['refused', 'passed'],
  },
];

const role = (...fields: readonly string[]): string => request('GET /x HTTP/1.1', 'Host: reviews:9080', ...fields);

/** Ways to say a role. */
export const hostileHeaders: readonly HostileRow[] = [
  { id: 'M-00', source: 'Istio AuthorizationPolicy, when request.headers', bytes: role('x-role: admin'), verdict: 'denied' },
  {
    id: 'M-01a',
    source: 'CVE-2026-26308: values joined before they are compared',
    bytes: role('x-role: user', 'x-role: admin'),
    verdict: 'denied',
  },
  { id: 'M-01b', source: 'CVE-2026-26308', bytes: role('x-role: admin', 'x-role: user'), verdict: 'denied' },
  { id: 'M-03', source: 'Envoy edge guide: an underscore is no hyphen', bytes: role('x_role: admin'), verdict: ['passed', 'refused'] },
  { id: 'M-04', source: 'CVE-2023-25725: an empty field name', bytes: role(': x', 'x-role: admin'), verdict: 'refused' },
  { id: 'M-05', source: 'CVE-2019-9900: NUL cuts the value', bytes: role('x-role: user\0admin'), verdict: 'refused' },
  {
    id: 'M-06',
    source: 'CWE-1321: __proto__ is an ordinary name',
    bytes: role('__proto__: admin', 'constructor: admin'),
    verdict: ['passed', 'refused'],
  },
  { id: 'M-07', source: 'RFC 9110 5.5: optional white space is not the value', bytes: role('x-role: \tadmin '), verdict: 'denied' },
  {
    id: 'M-09a',
    source: 'CVE-2024-23323: bytes that are no UTF-8 are a value like any other',
    bytes: role('x-role: \xff\xfe', 'x-role: admin'),
    verdict: ['denied', 'refused'],
  },
  { id: 'M-09b', source: 'CVE-2024-23323', bytes: role('x-role: \xff\xfeadmin'), verdict: ['passed', 'refused'] },
  { id: 'M-10', source: 'RFC 9112 5.2: a folded line', bytes: role('x-role: user', ' ', '\tadmin'), verdict: ['refused', 'passed'] },
  {
    id: 'M-11',
    source: 'CVE-2023-27493: a bare CR or LF inside a value',
    bytes: role('x-other: a\rx-role: admin'),
    verdict: 'refused',
    onEnvoy: 'passed',
  },
  { id: 'M-08', source: 'RFC 9110 5.1: names have no case', bytes: role('X-ROLE: admin'), verdict: 'denied' },
];
