/** What labs 8 and 9 leave behind: these cases only look, so they run on a learner's mesh. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectEqual } from '../../expect.ts';
import { REVIEWS } from '../routing/reviews.ts';
import { answerInPlainText, expectToldWhy, mode, SPIFFE } from './strangers.ts';

/** SEC-MTLS-060 and 061. */
export const bookinfoMutualTls: readonly ConformanceCase[] = [
  defineCase({
    id: 'SEC-MTLS-060',
    claim: 'Between two sidecars a call goes over mutual TLS, and each side tells which account the other proved to be.',
    source: 'Istio: automatic mutual TLS; seed, mTLS',
    profile: 'core',
    apply: '',
    killedBy: ['MUT-AUTO-MTLS-OFF'],
    labs: ['08-mtls-on-the-wire#1', '08-mtls-on-the-wire#3'],
    async run(mesh) {
      const answer = await mesh.send({ url: REVIEWS });
      expectEqual('status', answer.status, 200);
      const caller = await answer.told();
      expectEqual('what the caller told', [caller.security, caller.upstreamPeer], ['mutual_tls', SPIFFE.reviews]);
      const callee = await answer.told(await answer.servedBy());
      expectEqual('what the callee told', [callee.security, callee.downstreamPeer], ['mutual_tls', SPIFFE.productpage]);
    },
  }),
  defineCase({
    id: 'SEC-MTLS-061',
    claim: 'A workload that wants STRICT gives plain text neither status nor body, its proxy says why, and sidecars are served.',
    source: 'seed, PeerAuthentication STRICT',
    profile: 'core',
    apply: mode('STRICT'),
    killedBy: ['MUT-STRICT-TAKES-PLAIN-TEXT'],
    labs: ['09-strict#2', '09-strict#4'],
    async run(mesh) {
      expectEqual('all that a client in plain text got', await answerInPlainText(mesh, 'reviews-v1'), '');
      await expectToldWhy(mesh, 'reviews-v1', 'STRICT: plain text from');
      expectEqual('status for a sidecar', (await mesh.send({ url: REVIEWS })).status, 200);
    },
  }),
];
