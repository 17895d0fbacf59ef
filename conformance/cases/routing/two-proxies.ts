/** Which proxies a call between two workloads passes. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectEqual } from '../../expect.ts';
import { REVIEWS } from './reviews.ts';

/** TRAF-HOP-001. */
export const twoProxies: readonly ConformanceCase[] = [
  defineCase({
    id: 'TRAF-HOP-001',
    claim: 'A call passes two proxies, the caller’s outbound and the callee’s inbound side, and both tell of it under one request id.',
    source: 'Istio, Architecture: sidecars mediate all communication between services; Envoy x-request-id',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: ['01-first-request#1'],
    async run(mesh) {
      const answer = await mesh.send({ url: REVIEWS });
      const [caller, callee] = [await answer.told(), await answer.told(await answer.servedBy())];
      expectEqual('cluster at the caller', caller.cluster, 'outbound|9080||reviews.default.svc.cluster.local');
      expectEqual('cluster at the callee', callee.cluster, 'inbound|9080||');
      expectEqual('request id at the callee', callee.requestId, caller.requestId);
    },
  }),
];
