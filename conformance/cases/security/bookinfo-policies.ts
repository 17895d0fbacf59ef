/** What labs 10 and 11 leave behind: these cases only look, so they run on a learner's mesh. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectEqual } from '../../expect.ts';
import { at, expectAllowed, expectDenied, FROM_PRODUCTPAGE, PRODUCTPAGE, policy, reviewsPolicy } from './policies.ts';

const SOURCE = 'Istio authorization for HTTP traffic; Istio AuthorizationPolicy, implicit enablement';

const TRIES = 10;
const REVIEWS_IDENTITY = 'spiffe://cluster.local/ns/default/sa/bookinfo-reviews';

const ALLOW_NOTHING = policy('{}', { name: 'allow-nothing' });

const VIEWER = reviewsPolicy(
  `action: ALLOW
rules:
- from: [{ source: { principals: ["${PRODUCTPAGE}"] } }]
  to: [{ operation: { methods: ["GET"] } }]`,
  { name: 'reviews-viewer' },
);

const NOT_THIRTEEN = reviewsPolicy('action: DENY\nrules: [{ to: [{ operation: { paths: ["/reviews/13"] } }] }]', { name: 'not-thirteen' });

/** SEC-AUTHZ-060 and 061, SEC-ROT-060. */
export const bookinfoPolicies: readonly ConformanceCase[] = [
  defineCase({
    id: 'SEC-AUTHZ-060',
    claim: 'With nothing allowed but GET for one caller, that caller is served, and its POST and every other caller are refused.',
    source: SOURCE,
    profile: 'core',
    apply: `${ALLOW_NOTHING}---${VIEWER}`,
    killedBy: ['MUT-AUTHZ-METHOD-IGNORED'],
    labs: ['10-authorization#5'],
    async run(mesh) {
      await expectAllowed(mesh, 'productpage, GET', FROM_PRODUCTPAGE);
      await expectDenied(mesh, 'productpage, POST', { ...FROM_PRODUCTPAGE, method: 'POST', body: 'x' });
      await expectDenied(mesh, 'another account, GET', { from: 'reviews-v2' });
    },
  }),
  defineCase({
    id: 'SEC-AUTHZ-061',
    claim: 'What a DENY matches is refused although an ALLOW matches it, too; the rest stays allowed.',
    source: 'Istio AuthorizationPolicy, Action: CUSTOM, DENY, ALLOW in this order',
    profile: 'core',
    apply: `${ALLOW_NOTHING}---${VIEWER}---${NOT_THIRTEEN}`,
    killedBy: ['MUT-DENY-AFTER-ALLOW'],
    labs: ['10-authorization#6'],
    async run(mesh) {
      await expectDenied(mesh, 'productpage, /reviews/13', { ...FROM_PRODUCTPAGE, ...at('/reviews/13') });
      await expectAllowed(mesh, 'productpage, /reviews/0', FROM_PRODUCTPAGE);
    },
  }),
  defineCase({
    id: 'SEC-ROT-060',
    claim: 'Whatever was rotated before, calls are served under mutual TLS, and each side proves which account it is.',
    source: 'Istio security, PKI: certificates are rotated automatically',
    profile: 'core',
    apply: '',
    killedBy: ['MUT-AUTO-MTLS-OFF'],
    labs: ['11-rotation#3', '11-rotation#6'],
    async run(mesh) {
      for (let i = 0; i < TRIES; i++) {
        const answer = await expectAllowed(mesh, 'productpage', FROM_PRODUCTPAGE);
        const { security, upstreamPeer } = await answer.told();
        expectEqual('connection, and who answered', [security, upstreamPeer], ['mutual_tls', REVIEWS_IDENTITY]);
      }
    },
  }),
];
