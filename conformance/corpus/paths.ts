/** Targets that mean /admin to some program, or seem to, under `DENY paths ["/admin"]`: one list a normalization. */
import { get, type HostileRow, type Normalization, type Verdict } from './row.ts';

interface PathRow {
  readonly id: string;
  readonly source: string;
  readonly target: string;
  /** The same in all but NONE, or each by itself. */
  readonly verdict: HostileRow['verdict'] | Readonly<Record<Exclude<Normalization, 'NONE'>, HostileRow['verdict']>>;
  readonly arrivesAs?: string;
  readonly fields?: readonly string[];
}

const byMode = (
  BASE: HostileRow['verdict'],
  MERGE_SLASHES: HostileRow['verdict'],
  DECODE_AND_MERGE_SLASHES: HostileRow['verdict'],
): PathRow['verdict'] => ({ BASE, MERGE_SLASHES, DECODE_AND_MERGE_SLASHES });

const DOTS = 'CVE-2019-9901: no dot segments handled before the policy';
const SLASHES = 'CVE-2021-31920, CVE-2021-29492: several and escaped slashes';
const FRAGMENT = 'CVE-2021-39156, CVE-2021-32779: the fragment kept';
const DOT_PARAMETERS = 'CVE-2026-73551: dot segments with parameters kept, which some programs resolve';
const PARAMETERS = 'CVE-2026-73553: parameters that the router and the policy read differently; here both read them as written';
const LONG = 'CVE-2019-15225: time that grows faster than the target';
const EXACT = 'Istio AuthorizationPolicy: an exact path is that path and no other';
const REFUSED_OR_DENIED = ['denied', 'refused'] as const;

const ROWS: readonly PathRow[] = [
  { id: 'P-00', source: EXACT, target: '/admin', verdict: 'denied' },
  { id: 'P-01a', source: DOTS, target: '/public/../admin', verdict: 'denied' },
  { id: 'P-01b', source: DOTS, target: '/public/%2e%2e/admin', verdict: 'denied' },
  { id: 'P-01c', source: DOTS, target: '/public/.%2E/admin', verdict: 'denied' },
  { id: 'P-01d', source: DOTS, target: '/./admin', verdict: 'denied' },
  { id: 'P-01e', source: DOTS, target: '/public/..//../admin', verdict: REFUSED_OR_DENIED },
  { id: 'P-02a', source: SLASHES, target: '//admin', verdict: byMode('passed', 'denied', 'denied') },
  { id: 'P-02b', source: SLASHES, target: '/%2fadmin', verdict: byMode('passed', 'passed', 'denied') },
  { id: 'P-02c', source: SLASHES, target: '/%5Cadmin', verdict: byMode('passed', 'passed', 'denied') },
  { id: 'P-02d', source: SLASHES, target: '/public%5c..%5cadmin', verdict: byMode('passed', 'passed', 'denied') },
  { id: 'P-02e', source: SLASHES, target: '///admin', verdict: byMode('passed', 'denied', 'denied') },
  { id: 'P-03', source: 'Istio path normalization: a backslash is a slash', target: '/public\\..\\admin', verdict: 'denied' },
  { id: 'P-04a', source: 'RFC 3986 6.2.2.2: unreserved letters need no escape', target: '/%61dmin', verdict: 'denied' },
  { id: 'P-04b', source: 'RFC 3986 6.2.2.2', target: '/adm%69n', verdict: 'denied' },
  { id: 'P-04c', source: 'RFC 3986 6.2.2.1: paths have case', target: '/%41dmin', verdict: 'passed', arrivesAs: '/Admin' },
  { id: 'P-05', source: 'Istio path normalization: NUL', target: '/admin%00', verdict: 'refused' },
  { id: 'P-06a', source: 'double decoding', target: '/%252e%252e/admin', verdict: 'passed', arrivesAs: '/%252e%252e/admin' },
  { id: 'P-06b', source: 'double decoding', target: '/%252fadmin', verdict: 'passed', arrivesAs: '/%252fadmin' },
  { id: 'P-07a', source: FRAGMENT, target: '/admin#x', verdict: REFUSED_OR_DENIED },
  { id: 'P-07b', source: FRAGMENT, target: '/admin?a#b', verdict: REFUSED_OR_DENIED },
  { id: 'P-07c', source: FRAGMENT, target: '/admin#x?y', verdict: REFUSED_OR_DENIED },
  { id: 'P-08a', source: 'CVE-2020-8595: the query in an exact match', target: '/admin?x', verdict: 'denied' },
  { id: 'P-08b', source: 'CVE-2020-8595', target: '/admin?', verdict: 'denied' },
  { id: 'P-09a', source: DOT_PARAMETERS, target: '/public/..;/admin', verdict: REFUSED_OR_DENIED },
  { id: 'P-09b', source: DOT_PARAMETERS, target: '/.;/admin', verdict: REFUSED_OR_DENIED },
  { id: 'P-09c', source: DOT_PARAMETERS, target: '/public/..;x=y/admin', verdict: REFUSED_OR_DENIED },
  { id: 'P-10a', source: PARAMETERS, target: '/admin;x=y', verdict: 'passed', arrivesAs: '/admin;x=y' },
  { id: 'P-10b', source: PARAMETERS, target: '/;x=y/admin', verdict: 'passed', arrivesAs: '/;x=y/admin' },
  {
    id: 'P-11',
    source: 'CVE-2023-27487: x-envoy-original-path from outside',
    target: '/admin',
    fields: ['x-envoy-original-path: /public'],
    verdict: 'denied',
  },
  {
    id: 'P-12a',
    source: 'override headers',
    target: '/public',
    fields: ['X-Original-URL: /admin'],
    verdict: 'passed',
    arrivesAs: '/public',
  },
  {
    id: 'P-12b',
    source: 'override headers',
    target: '/public',
    fields: ['X-Rewrite-URL: /admin'],
    verdict: 'passed',
    arrivesAs: '/public',
  },
  {
    id: 'P-12c',
    source: 'override headers',
    target: '/public',
    fields: ['X-HTTP-Method-Override: DELETE'],
    verdict: 'passed',
    arrivesAs: '/public',
  },
  { id: 'P-13a', source: EXACT, target: '/admin/', verdict: 'passed', arrivesAs: '/admin/' },
  { id: 'P-13b', source: EXACT, target: '/admin.', verdict: 'passed' },
  { id: 'P-13c', source: EXACT, target: '/Admin', verdict: 'passed' },
  { id: 'P-13d', source: EXACT, target: '/admin%20', verdict: 'passed', arrivesAs: '/admin%20' },
  { id: 'P-14', source: 'overlong UTF-8 of a slash', target: '/x/..\xc0\xafadmin', verdict: ['refused', 'passed'] },
  { id: 'P-15', source: 'CVE-2013-4547: a space inside the target', target: '/admin x', verdict: 'refused' },
  { id: 'P-16a', source: LONG, target: `/${'a'.repeat(30_000)}/../admin`, verdict: REFUSED_OR_DENIED },
  { id: 'P-16b', source: LONG, target: `/${'a/../'.repeat(6_000)}admin`, verdict: REFUSED_OR_DENIED },
  { id: 'P-16c', source: LONG, target: `/${'%61'.repeat(10_000)}!`, verdict: ['passed', 'refused'] },
  { id: 'P-17', source: 'WHATWG URL: //host/path as a target', target: '//secret.mesh.test/x', verdict: 'passed' },
];

const verdictIn = ({ verdict }: PathRow, mode: Exclude<Normalization, 'NONE'>): HostileRow['verdict'] =>
  typeof verdict === 'string' || Array.isArray(verdict)
    ? (verdict as HostileRow['verdict'])
    : ((verdict as Record<string, Verdict>)[mode] ?? 'denied');

/** The rows as they must come out under one normalization. */
export const hostilePaths = (mode: Exclude<Normalization, 'NONE'>): readonly HostileRow[] =>
  ROWS.map((row) => ({
    id: row.id,
    source: row.source,
    bytes: get(row.target, ...(row.fields ?? [])),
    verdict: verdictIn(row, mode),
    ...(row.arrivesAs !== undefined && { arrivesAs: row.arrivesAs }),
  }));
