/** Who is believed: chains, times, names, versions of TLS, and what programs are told of it. */
import { hasCriticalNames } from '../../certificates/test-authority.ts';
import { type ConformanceCase, defineCase, type MeshUnderTest, type Stranger } from '../../define-case.ts';
import { expectBetween, expectContains, expectEqual, expectThat } from '../../expect.ts';
import { echoOf, readEcho, seen } from '../echoed.ts';
import { afterHead } from '../protocol/wire.ts';
import { REVIEWS } from '../routing/reviews.ts';
import { PRODUCTPAGE, reviewsPolicy } from './policies.ts';
import {
  answerOver,
  FORBIDDEN,
  fate,
  LIKE_PRODUCTPAGE,
  MESH_ALPN,
  meshSettings,
  mode,
  oneRequest,
  reviewsTls,
  SERVED,
  SPIFFE,
} from './strangers.ts';

const SOURCE = 'SPIFFE X.509-SVID; RFC 5280 §6; Istio security model';

/** How a stranger fares at reviews-v1. */
const fares = async (mesh: MeshUnderTest, stranger: Stranger): Promise<string> => fate(await answerOver(mesh, 'reviews-v1', stranger));

const expectTurnedAway = async (mesh: MeshUnderTest, what: string, stranger: Stranger): Promise<void> => {
  expectEqual(`fate of ${what}`, await fares(mesh, { ...LIKE_PRODUCTPAGE, ...stranger }), 'refused');
};

const ONLY_PRODUCTPAGE = reviewsPolicy(`action: ALLOW\nrules: [{ from: [{ source: { principals: ["${PRODUCTPAGE}"] } }] }]`);

const LOOKALIKES = [
  'spiffe://CLUSTER.LOCAL/ns/default/sa/bookinfo-productpage',
  'spiffe://cluster.local/ns/default/sa/Bookinfo-Productpage',
  'spiffe://cluster.local/ns/default/sa/bookinfo%2dproductpage',
  'spiffe://cluster.local/ns/default%2fsa/bookinfo-productpage',
  'spiffe://cluster.local/ns/default/sa/bookinfo-productpage?x=1',
  'spiffe://cluster.local/ns/default/sa/bookinfo-productpage/',
  'spiffe://cluster.local/ns/other/../default/sa/bookinfo-productpage',
  'spiffe://cluster.local.example/ns/default/sa/bookinfo-productpage',
  'http://cluster.local/ns/default/sa/bookinfo-productpage',
];

/** SEC-MTLS-010 to 024. */
export const mutualTlsIdentities: readonly ConformanceCase[] = [
  defineCase({
    id: 'SEC-MTLS-010',
    claim: 'A client without a certificate, or with one that another root signed, is refused.',
    source: SOURCE,
    profile: 'core',
    apply: mode('STRICT'),
    killedBy: ['MUT-ANY-CLIENT-CERTIFICATE', 'MUT-FOREIGN-ROOT-TRUSTED'],
    labs: [],
    async run(mesh) {
      expectEqual('fate of one with a certificate of the mesh', await fares(mesh, LIKE_PRODUCTPAGE), SERVED);
      expectEqual('fate of one without a certificate', await fares(mesh, { alpn: MESH_ALPN }), 'refused');
      await expectTurnedAway(mesh, 'a certificate of a foreign root', { signedBy: 'foreign' });
    },
  }),
  defineCase({
    id: 'SEC-MTLS-011',
    claim: 'A certificate that has expired, or is not valid yet, is refused.',
    source: 'RFC 5280 §6.1.3',
    profile: 'core',
    apply: mode('STRICT'),
    killedBy: ['MUT-EXPIRY-IGNORED'],
    labs: [],
    async run(mesh) {
      expectEqual('fate of one in force', await fares(mesh, LIKE_PRODUCTPAGE), SERVED);
      await expectTurnedAway(mesh, 'an expired certificate', { certificate: { fromDays: -3, untilDays: -1 } });
      await expectTurnedAway(mesh, 'a certificate of tomorrow', { certificate: { fromDays: 1, untilDays: 3 } });
    },
  }),
  defineCase({
    id: 'SEC-MTLS-012',
    claim: 'A workload’s certificate signs nobody else’s: a chain over one that is no authority is refused.',
    source: 'RFC 5280 §4.2.1.9, basic constraints',
    profile: 'core',
    apply: mode('STRICT'),
    killedBy: [],
    labs: [],
    async run(mesh) {
      expectEqual('fate of one that the root signed', await fares(mesh, LIKE_PRODUCTPAGE), SERVED);
      await expectTurnedAway(mesh, 'one that a workload signed', { certificate: { signedByLeaf: true } });
    },
  }),
  defineCase({
    id: 'SEC-MTLS-013',
    claim: 'A certificate for servers only is no client’s.',
    source: 'RFC 5280 §4.2.1.12, extended key usage',
    profile: 'core',
    // Certificates of the simulated world have no usages.
    drivers: ['process'],
    apply: mode('STRICT'),
    killedBy: [],
    labs: [],
    async run(mesh) {
      expectEqual('fate of one for clients', await fares(mesh, { ...LIKE_PRODUCTPAGE, certificate: { usages: 'client' } }), SERVED);
      await expectTurnedAway(mesh, 'one for servers', { certificate: { usages: 'server' } });
    },
  }),
  defineCase({
    id: 'SEC-MTLS-014',
    claim: 'A certificate with two names is each of them, whatever their order: a DENY of either denies it.',
    source: 'Envoy RBAC, authenticated.principal_name: any URI SAN; SPIFFE X.509-SVID §2 allows none with two',
    profile: 'extended',
    apply: reviewsPolicy(`action: DENY\nrules: [{ from: [{ source: { principals: ["${PRODUCTPAGE}"] } }] }]`),
    killedBy: ['MUT-FIRST-NAME-ONLY'],
    labs: [],
    async run(mesh) {
      const named = (...uris: readonly string[]) => fares(mesh, { ...LIKE_PRODUCTPAGE, certificate: { uris } });
      expectEqual('fate of the visitor', await named(SPIFFE.visitor), SERVED);
      for (const uris of [
        [SPIFFE.productpage, SPIFFE.visitor],
        [SPIFFE.visitor, SPIFFE.productpage],
      ]) {
        const fared = await named(...uris);
        expectThat('fate of both names', fared === 'refused' || fared === FORBIDDEN, 'refused or 403', fared);
      }
    },
  }),
  defineCase({
    id: 'SEC-MTLS-015',
    claim: 'Names that only look like an allowed one are not that one: other case, escapes, a query, a longer domain, another scheme.',
    source: 'SPIFFE ID §2: compared as they stand',
    profile: 'core',
    apply: ONLY_PRODUCTPAGE,
    killedBy: ['MUT-PRINCIPAL-CASE-IGNORED', 'MUT-PRINCIPAL-BY-SUBSTRING'],
    labs: [],
    async run(mesh) {
      expectEqual('fate of productpage', await fares(mesh, LIKE_PRODUCTPAGE), SERVED);
      for (const uri of LOOKALIKES) {
        const fared = await fares(mesh, { ...LIKE_PRODUCTPAGE, certificate: { uris: [uri] } });
        expectThat(`fate of ${uri}`, fared === 'refused' || fared === FORBIDDEN, 'refused or 403', fared);
      }
    },
  }),
  defineCase({
    id: 'SEC-MTLS-016',
    claim: 'A client that expects another identity than the server proves does not ask it: 503, flag UF, and the log names the check.',
    source: 'Istio secure naming; Envoy match_typed_subject_alt_names',
    profile: 'core',
    apply: reviewsTls('{ mode: ISTIO_MUTUAL, subjectAltNames: ["spiffe://cluster.local/ns/default/sa/bookinfo-review"] }'),
    killedBy: ['MUT-SERVER-NAME-UNCHECKED', 'MUT-SAN-BY-SUBSTRING'],
    labs: [],
    async run(mesh) {
      const answer = await mesh.send({ url: REVIEWS });
      expectEqual('status', answer.status, 503);
      const told = await answer.told();
      expectContains('flags', told.flags, 'UF');
      expectContains('why', told.transportFailure, 'CERTIFICATE_VERIFY_FAILED');
      await mesh.apply(reviewsTls(`{ mode: ISTIO_MUTUAL, subjectAltNames: ["${SPIFFE.reviews}"] }`));
      expectEqual('status, when it expects the right one', (await mesh.send({ url: REVIEWS })).status, 200);
    },
  }),
  defineCase({
    id: 'SEC-MTLS-017',
    claim: 'A sidecar asks by the server name outbound_.PORT_.SUBSET_.HOST, which policies see as connection.sni.',
    source: 'Istio: SNI of automatic mutual TLS; AuthorizationPolicy condition connection.sni',
    profile: 'extended',
    apply: reviewsPolicy(
      'action: ALLOW\nrules: [{ when: [{ key: connection.sni, values: ["outbound_.9080_._.reviews.default.svc.cluster.local"] }] }]',
    ),
    killedBy: ['MUT-SNI-WITHOUT-PORT'],
    labs: [],
    async run(mesh) {
      expectEqual('status for a sidecar', (await mesh.send({ url: REVIEWS })).status, 200);
      const other = { ...LIKE_PRODUCTPAGE, serverName: 'reviews.default.svc.cluster.local' };
      expectEqual('fate of one with another server name', await fares(mesh, other), FORBIDDEN);
    },
  }),
  defineCase({
    id: 'SEC-MTLS-018',
    claim:
      'A PERMISSIVE server knows the mesh’s clients by what they offer, and picks from it; TLS without such an offer is not taken for theirs.',
    source: 'Istio: inbound filter chains of PERMISSIVE; ALPN istio, istio-peer-exchange',
    profile: 'extended',
    apply: '',
    killedBy: ['MUT-PERMISSIVE-TAKES-ANY-TLS'],
    labs: [],
    async run(mesh) {
      const chosen = async (alpn: readonly string[]): Promise<string> => {
        await using shaken = await mesh.shake('reviews-v1', 9080, { ...LIKE_PRODUCTPAGE, alpn });
        return shaken.alpn;
      };
      expectEqual('chosen for a sidecar that speaks HTTP', await chosen(MESH_ALPN), 'http/1.1');
      // istiod's servers offer h2 and http/1.1 alone, and end no handshake for want of a common one.
      expectEqual(
        'chosen for one that speaks anything',
        await chosen(['istio-peer-exchange', 'istio']),
        mesh.configuredBy === 'dinghy' ? 'istio' : '',
      );
      expectEqual('fate without an offer', await fares(mesh, { signedBy: 'mesh' }), 'refused');
    },
  }),
  defineCase({
    id: 'SEC-MTLS-019',
    claim: 'TLS 1.2 and 1.3 are spoken; when MeshConfig wants 1.3 at least, 1.2 is refused.',
    source: 'Istio MeshConfig meshMTLS.minProtocolVersion',
    profile: 'core',
    apply: mode('STRICT'),
    killedBy: ['MUT-MIN-VERSION-IGNORED'],
    labs: [],
    async run(mesh) {
      const at = (version: 'TLSv1.2' | 'TLSv1.3') => fares(mesh, { ...LIKE_PRODUCTPAGE, versions: [version, version] });
      expectEqual('fates of 1.2 and 1.3', [await at('TLSv1.2'), await at('TLSv1.3')], [SERVED, SERVED]);
      await mesh.apply(meshSettings('meshMTLS: { minProtocolVersion: TLSV1_3 }'));
      expectEqual('the same when 1.3 is wanted', [await at('TLSv1.2'), await at('TLSv1.3')], ['refused', SERVED]);
    },
  }),
  defineCase({
    id: 'SEC-MTLS-020',
    claim: 'TLS 1.1 is refused.',
    source: 'RFC 8996; Istio: TLS 1.2 at least',
    profile: 'core',
    // There is no TLS 1.1 in the simulated world.
    drivers: ['process'],
    apply: mode('STRICT'),
    killedBy: [],
    labs: [],
    async run(mesh) {
      expectEqual('fate of 1.1 to 1.2', await fares(mesh, { ...LIKE_PRODUCTPAGE, versions: ['TLSv1.1', 'TLSv1.2'] }), SERVED);
      await expectTurnedAway(mesh, '1.1 alone', { versions: ['TLSv1.1', 'TLSv1.1'] });
    },
  }),
  defineCase({
    id: 'SEC-MTLS-021',
    claim: 'A workload’s certificate has one name, its SPIFFE ID, no subject, ends within a day and signs nobody.',
    source: 'SPIFFE X.509-SVID; Istio: default life of a workload certificate 24 h',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      await using shaken = await mesh.shake('reviews-v1', 9080, LIKE_PRODUCTPAGE);
      const { uris, dnsNames, subject, isAuthority, notAfterMs, pem } = shaken.server;
      expectEqual('names, subject, authority', [uris, dnsNames, subject, isAuthority], [[SPIFFE.reviews], [], '', false]);
      expectBetween('hours left', (notAfterMs - mesh.wallTimeMs()) / 3_600_000, [0, 24]);
      if (mesh.driver === 'process') expectEqual('its names are critical', hasCriticalNames(pem), true);
    },
  }),
  defineCase({
    id: 'SEC-MTLS-022',
    claim: 'The last element of x-forwarded-client-cert says who called; what a program writes there itself its own sidecar takes away.',
    source: 'Envoy forward_client_cert_details; Istio: SANITIZE on the way out, APPEND_FORWARD on the way in',
    profile: 'core',
    apply: '',
    killedBy: ['MUT-CLIENT-CERT-KEPT'],
    labs: [],
    async run(mesh) {
      const forged = `By=spiffe://x;URI=${SPIFFE.visitor}`;
      const answer = await mesh.send({ url: REVIEWS, headers: { 'x-forwarded-client-cert': forged } });
      const shown = seen(echoOf(answer), 'x-forwarded-client-cert').join(',');
      expectContains('x-forwarded-client-cert through a sidecar', shown, `URI=${SPIFFE.productpage}`);
      expectThat('x-forwarded-client-cert through a sidecar', !shown.includes(SPIFFE.visitor), 'nothing of the forged one', shown);
      const { bytes } = oneRequest(`x-forwarded-client-cert: ${forged}`);
      const echoed = readEcho(afterHead(await answerOver(mesh, 'reviews-v1', LIKE_PRODUCTPAGE, bytes)));
      const last = seen(echoed, 'x-forwarded-client-cert').join(',').split(',').at(-1) ?? '';
      expectContains('last element for a client without a sidecar', last, `URI=${SPIFFE.productpage}`);
    },
  }),
  defineCase({
    id: 'SEC-MTLS-023',
    claim: 'From PERMISSIVE to STRICT and back under load: no request of a sidecar fails.',
    source: 'Istio: mutual TLS migration',
    profile: 'core',
    // Envoy is started here with a drain time of 0, so that a change is seen at once: its changed filter chains cut what is under way.
    dataPlanes: ['dinghy'],
    apply: mode('PERMISSIVE'),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const statuses = new Set<number>();
      for (let round = 0; round < 6; round++) {
        const meanwhile = mesh.sendMany({ url: REVIEWS }, 40);
        await mesh.apply(mode(round % 2 === 0 ? 'STRICT' : 'PERMISSIVE'));
        for (const { status } of await meanwhile) statuses.add(status);
      }
      expectEqual('statuses', [...statuses], [200]);
      await mesh.apply(mode('STRICT'));
      expectEqual('fate of one with a certificate, in the end', await fares(mesh, LIKE_PRODUCTPAGE), SERVED);
      expectEqual('fate of one without a certificate, in the end', await fares(mesh, { alpn: MESH_ALPN }), 'refused');
    },
  }),
  defineCase({
    id: 'SEC-MTLS-024',
    claim: 'An alias of the trust domain is as good as its name: in certificates, and in policies that name the domain.',
    source: 'Istio MeshConfig trustDomainAliases',
    profile: 'extended',
    apply: [ONLY_PRODUCTPAGE, meshSettings('trustDomainAliases: [old.example]')].join('---'),
    killedBy: ['MUT-ALIASES-IGNORED', 'MUT-TRUST-DOMAIN-IGNORED'],
    labs: [],
    async run(mesh) {
      const old = { ...LIKE_PRODUCTPAGE, certificate: { uris: ['spiffe://old.example/ns/default/sa/bookinfo-productpage'] } };
      expectEqual('fate of the old name', await fares(mesh, old), SERVED);
      await mesh.remove(meshSettings('trustDomainAliases: [old.example]'));
      expectEqual('fate of the old name without the alias', await fares(mesh, old), 'refused');
    },
  }),
  defineCase({
    id: 'SEC-MTLS-025',
    claim: 'A DestinationRule with SIMPLE shows no certificate, so a STRICT server ends the connection: 503.',
    source: 'Istio DestinationRule, ClientTLSSettings SIMPLE',
    profile: 'extended',
    apply: [mode('STRICT'), reviewsTls('{ mode: SIMPLE, insecureSkipVerify: true }')].join('---'),
    killedBy: ['MUT-RULE-SIMPLE-IS-MUTUAL'],
    labs: [],
    async run(mesh) {
      expectEqual('status under SIMPLE', (await mesh.send({ url: REVIEWS })).status, 503);
      await mesh.apply(reviewsTls('{ mode: ISTIO_MUTUAL }'));
      expectEqual('status under ISTIO_MUTUAL', (await mesh.send({ url: REVIEWS })).status, 200);
    },
  }),
];
