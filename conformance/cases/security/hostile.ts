/** The corpus of hostile targets, hosts and headers against one policy each, byte for byte, straight to the workload's sidecar. */

import { hostileHeaders, hostileHosts } from '../../corpus/hosts-and-headers.ts';
import { hostilePaths } from '../../corpus/paths.ts';
import type { HostileRow, Normalization, Verdict } from '../../corpus/row.ts';
import { type ConformanceCase, defineCase, type MeshUnderTest } from '../../define-case.ts';
import { Mismatch } from '../../expect.ts';
import { reviewsPolicy } from './policies.ts';

const WORKLOAD = 'reviews-v1';

const answerTo = async (mesh: MeshUnderTest, bytes: string): Promise<string> => {
  await using wire = await mesh.reach(WORKLOAD, 9080);
  wire.write(bytes);
  return await wire.untilClosed();
};

const verdictOf = (answer: string): Verdict | 'nothing' => {
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);
  if (status === 200) return 'passed';
  if (status === 403 && answer.includes('RBAC: access denied')) return 'denied';
  return status >= 400 && status < 500 ? 'refused' : 'nothing';
};

const seenTarget = (answer: string): string => JSON.parse(answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1)).path;

/** Every row is asked before anything is said, so that a failure names all of them. */
const runRows =
  (rows: readonly HostileRow[]) =>
  async (mesh: MeshUnderTest): Promise<void> => {
    const wrong: string[] = [];
    for (const { id, source, bytes, arrivesAs, ...row } of rows) {
      const verdict =
        (mesh.configuredBy === 'istiod' ? row.underIstiod : undefined) ??
        (mesh.dataPlane === 'envoy' ? row.onEnvoy : undefined) ??
        row.verdict;
      const answer = await answerTo(mesh, bytes);
      const actual = verdictOf(answer);
      if (![verdict].flat().includes(actual as Verdict)) wrong.push(`${id} (${source}): ${[verdict].flat().join(' or ')}, got ${actual}`);
      else if (actual === 'passed' && arrivesAs !== undefined && seenTarget(answer) !== arrivesAs)
        wrong.push(`${id} (${source}): arrives as ${arrivesAs}, came as ${seenTarget(answer)}`);
    }
    if (wrong.length > 0) throw new Mismatch(`${rows.length} hostile requests`, 'each of them judged right', wrong.join('; '));
  };

const DENY_ADMIN = reviewsPolicy('action: DENY\nrules: [{ to: [{ operation: { paths: ["/admin"] } }] }]');

/** Settings of the whole mesh, as Istio keeps them. */
export const meshConfig = (yaml: string): string => `
apiVersion: v1
kind: ConfigMap
metadata:
  name: istio
  namespace: istio-system
data:
  mesh: |
${yaml.trim().replace(/^/gm, '    ')}
`;

const normalization = (mode: Normalization): string => meshConfig(`pathNormalization: { normalization: ${mode} }`);

/** SEC-HOSTILE-001 to 005. */
export const hostileRequests: readonly ConformanceCase[] = [
  defineCase({
    id: 'SEC-HOSTILE-001',
    claim: 'No spelling of /admin gets around a DENY under the default normalization but those that are documented to be other paths.',
    source: 'Istio path normalization BASE; the CVE of each row',
    profile: 'core',
    apply: DENY_ADMIN,
    killedBy: ['MUT-PATH-NOT-NORMALIZED'],
    labs: [],
    run: runRows(hostilePaths('BASE')),
  }),
  defineCase({
    id: 'SEC-HOSTILE-002',
    claim: 'MERGE_SLASHES also sees through several slashes.',
    source: 'Istio path normalization MERGE_SLASHES; the CVE of each row',
    profile: 'extended',
    apply: `${normalization('MERGE_SLASHES')}---${DENY_ADMIN}`,
    killedBy: ['MUT-SLASHES-NOT-MERGED'],
    labs: [],
    run: runRows(hostilePaths('MERGE_SLASHES')),
  }),
  defineCase({
    id: 'SEC-HOSTILE-003',
    claim: 'DECODE_AND_MERGE_SLASHES also sees through escaped slashes and backslashes.',
    source: 'Istio path normalization DECODE_AND_MERGE_SLASHES; the CVE of each row',
    profile: 'extended',
    apply: `${normalization('DECODE_AND_MERGE_SLASHES')}---${DENY_ADMIN}`,
    killedBy: ['MUT-SLASHES-NOT-DECODED'],
    labs: [],
    run: runRows(hostilePaths('DECODE_AND_MERGE_SLASHES')),
  }),
  defineCase({
    id: 'SEC-HOSTILE-004',
    claim: 'No spelling of a host gets around a DENY of that host.',
    source: 'the CVE or RFC of each row',
    profile: 'core',
    apply: reviewsPolicy('action: DENY\nrules: [{ to: [{ operation: { hosts: ["secret.com"] } }] }]'),
    killedBy: ['MUT-HOST-CASE'],
    labs: [],
    run: runRows(hostileHosts),
  }),
  defineCase({
    id: 'SEC-HOSTILE-005',
    claim: 'No way to say a header twice, split or disguised gets around a DENY of its value.',
    source: 'the CVE or RFC of each row',
    profile: 'core',
    apply: reviewsPolicy('action: DENY\nrules: [{ when: [{ key: "request.headers[x-role]", values: [admin] }] }]'),
    killedBy: ['MUT-HEADER-VALUES-JOINED'],
    labs: [],
    run: runRows(hostileHeaders),
  }),
];
