/** Failure rehearsed on purpose. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectBetween, expectEqual } from '../../expect.ts';
import { REVIEWS, reviewsRules, to } from '../routing/reviews.ts';

const SOURCE = 'Istio HTTPFaultInjection; Envoy HTTP fault filter';

/** RES-FAULT-001 to 006. */
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
  defineCase({
    id: 'RES-FAULT-004',
    claim: 'A percentage is a share of the requests: 30 % aborts 30 % ± 3 points of 3,000 (a true 35 % passes once in 90 runs).',
    source: `${SOURCE}; Istio Percent.value`,
    profile: 'core',
    apply: reviewsRules(`
- fault: { abort: { percentage: { value: 30 }, httpStatus: 555 } }
  ${to('v1')}`),
    killedBy: ['MUT-FAULT-PERCENT-TIMES-100'],
    labs: [],
    async run(mesh) {
      const answers = await mesh.sendMany({ url: REVIEWS }, 3_000);
      expectEqual('statuses', [...new Set(answers.map(({ status }) => status))].sort(), [200, 555]);
      expectBetween('share of 555', answers.filter(({ status }) => status === 555).length / answers.length, [0.27, 0.33]);
    },
  }),
  defineCase({
    id: 'RES-FAULT-005',
    claim: "The rule's own timeout does not end an injected delay, and its retries do not repeat an injected abort.",
    source: `${SOURCE}: the fault filter stands before the router`,
    profile: 'core',
    apply: reviewsRules(`
- match: [{ uri: { prefix: /delay } }]
  fault: { delay: { percentage: { value: 100 }, fixedDelay: 0.3s } }
  timeout: 0.1s
  ${to('v1')}
- fault: { abort: { percentage: { value: 100 }, httpStatus: 503 } }
  retries: { attempts: 3, retryOn: 5xx }
  ${to('v1')}`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const delayed = await mesh.send({ url: 'http://reviews:9080/delay' });
      const told = await delayed.told();
      expectEqual('status and flags of the delayed', [delayed.status, told.flags], [200, 'DI']);
      expectBetween('duration in ms', told.durationMs, [295, 1_500]);
      const aborted = await mesh.send({ url: REVIEWS });
      const { flags, attempts } = await aborted.told();
      expectEqual('status, flags and tries of the aborted', [aborted.status, flags, attempts], [503, 'FI', 0]);
    },
  }),
  defineCase({
    id: 'RES-FAULT-006',
    claim: 'With both, the delay comes first and the abort after it, and the flags name both.',
    source: SOURCE,
    profile: 'core',
    apply: reviewsRules(`
- fault:
    delay: { percentage: { value: 100 }, fixedDelay: 0.2s }
    abort: { percentage: { value: 100 }, httpStatus: 503 }
  ${to('v1')}`),
    killedBy: ['MUT-DELAYED-UNFLAGGED'],
    labs: [],
    async run(mesh) {
      const answer = await mesh.send({ url: REVIEWS });
      const { flags, durationMs } = await answer.told();
      expectEqual('status and flags', [answer.status, flags.split(',').sort()], [503, ['DI', 'FI']]);
      expectBetween('duration in ms', durationMs, [195, 1_500]);
    },
  }),
];
