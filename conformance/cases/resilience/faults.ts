/** Failure rehearsed on purpose. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectBetween, expectEqual } from '../../expect.ts';
import { REVIEWS, reviewsRules, to } from '../routing/reviews.ts';

const SOURCE = 'Istio HTTPFaultInjection; Envoy HTTP fault filter';

/** RES-FAULT-001 to 003. */
export const faults: readonly ConformanceCase[] = [
  defineCase({
    id: 'RES-FAULT-001',
    claim: 'An abort of 100 % answers "fault filter abort" with the flag FI for whom it matches, and nobody else.',
    source: `${SOURCE}; istio/samples/bookinfo/networking/virtual-service-ratings-test-abort.yaml`,
    profile: 'core',
    apply: reviewsRules(`
- match: [{ headers: { end-user: { exact: jason } } }]
  fault: { abort: { percentage: { value: 100 }, httpStatus: 500 } }
  ${to('v1')}
- ${to('v1')}`),
    killedBy: ['MUT-FAULT-NEVER'],
    labs: [],
    async run(mesh) {
      const answer = await mesh.send({ url: REVIEWS, headers: { 'end-user': 'jason' } });
      expectEqual('status and body', [answer.status, answer.body], [500, 'fault filter abort']);
      const told = await answer.told();
      expectEqual('flags and details', [told.flags, told.details], ['FI', 'fault_filter_abort']);
      expectEqual('status for others', (await mesh.send({ url: REVIEWS })).status, 200);
    },
  }),
  defineCase({
    id: 'RES-FAULT-002',
    claim: 'A fault without a percentage never happens, however often one asks.',
    source: SOURCE,
    profile: 'core',
    apply: reviewsRules(`
- fault: { abort: { httpStatus: 500 } }
  ${to('v2')}`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const answers = await mesh.sendMany({ url: REVIEWS }, 50);
      expectEqual('statuses', [...new Set(answers.map((answer) => answer.status))], [200]);
      expectEqual('workloads', [...new Set(await Promise.all(answers.map((answer) => answer.servedBy())))], ['reviews-v2']);
    },
  }),
  defineCase({
    id: 'RES-FAULT-003',
    claim: 'A delay holds the request for its time, then lets it pass with its own status and the flag DI.',
    source: `${SOURCE}; istio/samples/bookinfo/networking/virtual-service-ratings-test-delay.yaml`,
    profile: 'core',
    apply: reviewsRules(`
- fault: { delay: { percentage: { value: 100 }, fixedDelay: 0.3s } }
  ${to('v1')}`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const answer = await mesh.send({ url: REVIEWS });
      const told = await answer.told();
      expectEqual('status and flags', [answer.status, told.flags], [200, 'DI']);
      expectBetween('duration in ms', told.durationMs, [295, 1_500]);
    },
  }),
];
