/** Which rule a request's headers choose. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectContains, expectThat } from '../../expect.ts';
import { answeredBy, expectVersion, REVIEWS, reviewsRules, to } from './reviews.ts';
import { SEED_CANARY } from './seed.ts';

const SOURCE = 'Istio VirtualService, HTTPMatchRequest.headers; StringMatch';

/** TRAF-MATCH-001 to 005 and 014. */
export const headerMatch: readonly ConformanceCase[] = [
  // #region TRAF-MATCH-001
  defineCase({
    id: 'TRAF-MATCH-001',
    claim: 'A request with user-type: beta-tester goes to v2 every time, and one whose value only begins with it does not.',
    source: 'seed: Traffic Management, Canary Deployments (header match exact: "beta-tester")',
    profile: 'core',
    apply: SEED_CANARY,
    killedBy: ['MUT-EXACT-AS-PREFIX'],
    labs: ['03-header-routing#3'],
    async run(mesh) {
      await expectVersion(mesh, 'with user-type: beta-tester', { headers: { 'user-type': 'beta-tester' } }, 'v2');
      const others = await answeredBy(mesh, { url: REVIEWS, headers: { 'user-type': 'beta-tester-2' } }, 60);
      expectThat('workloads with user-type: beta-tester-2', others.includes('reviews-v1'), 'reviews-v1 among 60', [...new Set(others)]);
    },
  }),
  // #endregion
  defineCase({
    id: 'TRAF-MATCH-002',
    claim: 'A header prefix matches every value that begins with it, and no other.',
    source: SOURCE,
    profile: 'core',
    apply: reviewsRules(`
- match: [{ headers: { end-user: { prefix: ja } } }]
  ${to('v2')}
- ${to('v1')}`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      await expectVersion(mesh, 'with end-user: jason', { headers: { 'end-user': 'jason' } }, 'v2');
      await expectVersion(mesh, 'with end-user: maja', { headers: { 'end-user': 'maja' } }, 'v1');
    },
  }),
  defineCase({
    id: 'TRAF-MATCH-003',
    claim: 'A header regex must match the whole value, not a part of it.',
    source: `${SOURCE}; RE2 syntax`,
    profile: 'core',
    apply: reviewsRules(`
- match: [{ headers: { cookie: { regex: "user=[a-z]+" } } }]
  ${to('v2')}
- ${to('v1')}`),
    killedBy: ['MUT-REGEX-UNANCHORED'],
    labs: [],
    async run(mesh) {
      await expectVersion(mesh, 'with cookie: user=jason', { headers: { cookie: 'user=jason' } }, 'v2');
      await expectVersion(mesh, 'with cookie: user=jason; a=b', { headers: { cookie: 'user=jason; a=b' } }, 'v1');
      await expectVersion(mesh, 'with cookie: x user=jason', { headers: { cookie: 'x user=jason' } }, 'v1');
    },
  }),
  defineCase({
    id: 'TRAF-MATCH-004',
    claim: 'An empty header match ({}) asks for the header to be present, whatever its value.',
    source: SOURCE,
    profile: 'core',
    apply: reviewsRules(`
- match: [{ headers: { x-canary: {} } }]
  ${to('v2')}
- ${to('v1')}`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      await expectVersion(mesh, 'with x-canary: no', { headers: { 'x-canary': 'no' } }, 'v2');
      await expectVersion(mesh, 'without x-canary', {}, 'v1');
    },
  }),
  defineCase({
    id: 'TRAF-MATCH-005',
    claim: 'withoutHeaders matches only while the header is absent or has another value.',
    source: 'Istio VirtualService, HTTPMatchRequest.withoutHeaders',
    profile: 'core',
    apply: reviewsRules(`
- match: [{ withoutHeaders: { x-group: { exact: staff } } }]
  ${to('v1')}
- ${to('v2')}`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      await expectVersion(mesh, 'without x-group', {}, 'v1');
      await expectVersion(mesh, 'with x-group: guest', { headers: { 'x-group': 'guest' } }, 'v1');
      await expectVersion(mesh, 'with x-group: staff', { headers: { 'x-group': 'staff' } }, 'v2');
    },
  }),
  defineCase({
    id: 'TRAF-MATCH-014',
    claim: 'Header names match whatever their case on the wire; values match only in the case that was written.',
    source: 'RFC 9110 §5.1; Istio VirtualService, HTTPMatchRequest.headers',
    profile: 'core',
    apply: reviewsRules(`
- match: [{ headers: { end-user: { exact: jason } } }]
  ${to('v2')}
- ${to('v1')}`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      await expectVersion(mesh, 'with End-User: jason', { headers: { 'End-User': 'jason' } }, 'v2');
      await expectVersion(mesh, 'with end-user: Jason', { headers: { 'end-user': 'Jason' } }, 'v1');
    },
  }),
  defineCase({
    id: 'TRAF-MATCH-019',
    claim: 'A header that a request has twice matches by any one of its values.',
    source: 'Envoy HeaderMatcher, one value at a time; CVE-2026-26308',
    profile: 'core',
    apply: reviewsRules(`
- match: [{ headers: { end-user: { exact: jason } } }]
  ${to('v2')}
- ${to('v1')}`),
    killedBy: ['MUT-FIRST-VALUE-ONLY'],
    labs: [],
    async run(mesh) {
      for (const values of [
        ['jason', 'guest'],
        ['guest', 'jason'],
      ]) {
        await using wire = await mesh.dial('productpage-v1', 'reviews:9080');
        const fields = values.map((value) => `end-user: ${value}\r\n`).join('');
        wire.write(`GET /reviews/0 HTTP/1.1\r\nHost: reviews:9080\r\nConnection: close\r\n${fields}\r\n`);
        expectContains(`answer to end-user ${values.join(', then ')}`, await wire.untilClosed(), '"workload":"reviews-v2"');
      }
    },
  }),
];
