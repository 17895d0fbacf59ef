/** PeerAuthentication: which port takes plain text, which mutual TLS, and who says so. */
import { type ConformanceCase, defineCase, type MeshUnderTest } from '../../define-case.ts';
import { expectContains, expectEqual } from '../../expect.ts';
import { echoOf, seen } from '../echoed.ts';
import { REVIEWS } from '../routing/reviews.ts';
import {
  answerInPlainText,
  answerOver,
  expectToldWhy,
  fate,
  LIKE_PRODUCTPAGE,
  mode,
  oneRequest,
  reviewsTls,
  SERVED,
  SPIFFE,
} from './strangers.ts';

const SOURCE = 'Istio PeerAuthentication';
const ROOT = 'istio-system';

/** How plain text and mutual TLS of a stranger fare at reviews-v1. */
const both = async (mesh: MeshUnderTest): Promise<readonly string[]> => [
  fate(await answerInPlainText(mesh, 'reviews-v1')),
  fate(await answerOver(mesh, 'reviews-v1', LIKE_PRODUCTPAGE)),
];

const STRICT = ['refused', SERVED];
const PERMISSIVE = [SERVED, SERVED];
const DISABLE = [SERVED, 'refused'];

/** A sidecar asks reviews and gets an answer; gives what the callee's proxy told of it. */
const askedInside = async (mesh: MeshUnderTest) => {
  const answer = await mesh.send({ url: REVIEWS });
  expectEqual('status for a sidecar', answer.status, 200);
  return { answer, told: await answer.told(await answer.servedBy()) };
};

/** SEC-MTLS-001 to 009. */
export const mutualTlsModes: readonly ConformanceCase[] = [
  defineCase({
    id: 'SEC-MTLS-001',
    claim: 'Without any policy two sidecars speak mutual TLS, and each proves by its certificate which service account it is.',
    source: 'Istio: automatic mutual TLS; seed, mTLS',
    profile: 'core',
    apply: '',
    killedBy: ['MUT-AUTO-MTLS-OFF', 'MUT-ALPN-MISSING'],
    labs: [],
    async run(mesh) {
      const { answer, told } = await askedInside(mesh);
      expectEqual('what the callee told', [told.security, told.downstreamPeer], ['mutual_tls', SPIFFE.productpage]);
      const caller = await answer.told();
      expectEqual('what the caller told', [caller.security, caller.upstreamPeer], ['mutual_tls', SPIFFE.reviews]);
      const [shown = ''] = seen(echoOf(answer), 'x-forwarded-client-cert');
      expectContains('x-forwarded-client-cert at the program', shown, `By=${SPIFFE.reviews};`);
      expectContains('x-forwarded-client-cert at the program', shown, `URI=${SPIFFE.productpage}`);
    },
  }),
  defineCase({
    id: 'SEC-MTLS-002',
    claim: 'Without any policy plain text is served as well; whoever sends it has no identity.',
    source: `${SOURCE}: no policy means PERMISSIVE`,
    profile: 'core',
    apply: '',
    killedBy: ['MUT-PERMISSIVE-REFUSES-PLAIN-TEXT'],
    labs: [],
    async run(mesh) {
      const { bytes, probe } = oneRequest();
      expectEqual('answer in plain text', fate(await answerInPlainText(mesh, 'reviews-v1', bytes)), SERVED);
      const told = await mesh.told('reviews-v1', probe, 'inbound');
      expectEqual('what the callee told', [told.security, told.downstreamPeer], ['none', '']);
      expectEqual('answer under mutual TLS', fate(await answerOver(mesh, 'reviews-v1', LIKE_PRODUCTPAGE)), SERVED);
    },
  }),
  defineCase({
    id: 'SEC-MTLS-003',
    claim: 'STRICT ends a connection in plain text before a byte of HTTP, and the proxy says why; mutual TLS is served.',
    source: 'seed, PeerAuthentication STRICT',
    profile: 'core',
    apply: mode('STRICT'),
    killedBy: ['MUT-STRICT-TAKES-PLAIN-TEXT'],
    labs: [],
    async run(mesh) {
      expectEqual('all that a client in plain text got', await answerInPlainText(mesh, 'reviews-v1'), '');
      await expectToldWhy(mesh, 'reviews-v1', 'STRICT: plain text from');
      expectEqual('answer under mutual TLS', fate(await answerOver(mesh, 'reviews-v1', LIKE_PRODUCTPAGE)), SERVED);
      await askedInside(mesh);
    },
  }),
  defineCase({
    id: 'SEC-MTLS-004',
    claim: 'STRICT, and a caller whose DestinationRule says DISABLE: 503, connection termination, flag UC.',
    source: 'Istio: mutual TLS migration, conflicting DestinationRule',
    profile: 'core',
    apply: [mode('STRICT'), reviewsTls('{ mode: DISABLE }')].join('---'),
    killedBy: ['MUT-STRICT-TAKES-PLAIN-TEXT', 'MUT-RULE-DISABLE-IGNORED'],
    labs: [],
    async run(mesh) {
      const answer = await mesh.send({ url: REVIEWS });
      expectEqual('status', answer.status, 503);
      expectContains('body', answer.body, 'connection termination');
      expectContains('flags', (await answer.told()).flags, 'UC');
      await mesh.remove(reviewsTls('{ mode: DISABLE }'));
      await askedInside(mesh);
    },
  }),
  defineCase({
    id: 'SEC-MTLS-005',
    claim: 'DISABLE takes plain text only, and sidecars speak it there by themselves.',
    source: `${SOURCE}: DISABLE; automatic mutual TLS`,
    profile: 'core',
    apply: mode('DISABLE', { app: 'reviews' }),
    killedBy: ['MUT-DISABLE-NOT-FOLLOWED'],
    labs: [],
    async run(mesh) {
      const { told } = await askedInside(mesh);
      expectEqual('what the callee told', [told.security, told.downstreamPeer], ['none', '']);
      expectEqual('fates of a stranger', await both(mesh), DISABLE);
      await mesh.remove(mode('DISABLE', { app: 'reviews' }));
      expectEqual('without the policy', (await askedInside(mesh)).told.security, 'mutual_tls');
    },
  }),
  defineCase({
    id: 'SEC-MTLS-006',
    claim: 'DISABLE, and a caller whose DestinationRule says ISTIO_MUTUAL: 503, flag UF, and the proxy names the failed handshake.',
    source: 'Istio: conflicting DestinationRule; Envoy response flag UF',
    profile: 'core',
    apply: [mode('DISABLE', { app: 'reviews' }), reviewsTls('{ mode: ISTIO_MUTUAL }')].join('---'),
    killedBy: ['MUT-DISABLE-IGNORED'],
    labs: [],
    async run(mesh) {
      const answer = await mesh.send({ url: REVIEWS });
      expectEqual('status', answer.status, 503);
      const told = await answer.told();
      expectContains('flags', told.flags, 'UF');
      expectContains('why', told.transportFailure, 'TLS_error');
      await mesh.remove(mode('DISABLE', { app: 'reviews' }));
      await askedInside(mesh);
    },
  }),
  defineCase({
    id: 'SEC-MTLS-007',
    claim: 'The policy of a namespace goes before that of the mesh, that of a workload before both, and that of a port before all.',
    source: `${SOURCE}: precedence`,
    profile: 'core',
    apply: mode('STRICT', { namespace: ROOT }),
    killedBy: ['MUT-PEER-PRECEDENCE', 'MUT-PORT-MODE-IGNORED'],
    labs: [],
    async run(mesh) {
      expectEqual('mesh STRICT', await both(mesh), STRICT);
      await mesh.apply(mode('PERMISSIVE'));
      expectEqual('mesh STRICT, namespace PERMISSIVE', await both(mesh), PERMISSIVE);
      await mesh.apply(mode('STRICT', { name: 'reviews', app: 'reviews' }));
      expectEqual('… and workload STRICT', await both(mesh), STRICT);
      await mesh.apply(mode('STRICT', { name: 'reviews', app: 'reviews', port: 'DISABLE' }));
      expectEqual('… and its port DISABLE', await both(mesh), DISABLE);
    },
  }),
  defineCase({
    id: 'SEC-MTLS-008',
    claim: 'UNSET is what stands above it: of the namespace, of the mesh, of a port.',
    source: `${SOURCE}: UNSET inherits from the parent`,
    profile: 'core',
    apply: [mode('STRICT', { namespace: ROOT }), mode('UNSET')].join('---'),
    killedBy: ['MUT-UNSET-IS-PERMISSIVE'],
    labs: [],
    async run(mesh) {
      expectEqual('mesh STRICT, namespace UNSET', await both(mesh), STRICT);
      await mesh.apply(mode('UNSET', { name: 'reviews', app: 'reviews', port: 'UNSET' }));
      expectEqual('… and workload and port UNSET', await both(mesh), STRICT);
      await mesh.apply(mode('PERMISSIVE'));
      expectEqual('namespace PERMISSIVE, workload UNSET', await both(mesh), PERMISSIVE);
    },
  }),
  defineCase({
    id: 'SEC-MTLS-009',
    claim: 'Of two policies at one level the older one holds, whichever was applied last.',
    source: `${SOURCE}: "the oldest policy will take effect"`,
    profile: 'core',
    apply: [
      mode('STRICT', { name: 'older', createdAt: '2026-01-01T00:00:00Z' }),
      mode('DISABLE', { name: 'a-younger', createdAt: '2026-01-02T00:00:00Z' }),
    ].join('---'),
    killedBy: ['MUT-PEER-YOUNGEST-WINS'],
    labs: [],
    async run(mesh) {
      expectEqual('the older says STRICT', await both(mesh), STRICT);
      await mesh.remove(mode('STRICT', { name: 'older' }));
      expectEqual('without it', await both(mesh), DISABLE);
    },
  }),
];
