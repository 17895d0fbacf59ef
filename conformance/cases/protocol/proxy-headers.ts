/** Headers that the mesh adds, keeps and overwrites on its way. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectEqual, expectThat } from '../../expect.ts';
import { BEHAVE, echoOf, header, seen } from '../echoed.ts';
import { REVIEWS, reviewsRules, to } from '../routing/reviews.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** HDR-001 to 004, as HDR-ID, HDR-HOP and HDR-RESP. */
export const proxyHeaders: readonly ConformanceCase[] = [
  defineCase({
    id: 'HDR-ID-001',
    claim: 'A sidecar adds a UUID as x-request-id where there is none.',
    source: 'Envoy HTTP header x-request-id',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      await using wire = await mesh.dial('productpage-v1', 'reviews:9080');
      wire.write('GET /x HTTP/1.1\r\nHost: reviews:9080\r\nConnection: close\r\n\r\n');
      const id = /"x-request-id"[,:]"([^"]*)"/.exec(await wire.untilClosed())?.[1] ?? '';
      expectThat('x-request-id at the program', UUID.test(id), 'a UUID', id);
    },
  }),
  defineCase({
    id: 'HDR-ID-002',
    claim: 'A sidecar keeps the x-request-id that the program sent.',
    source: 'Envoy: requests that are not from the edge keep x-request-id',
    profile: 'core',
    apply: '',
    killedBy: [],
    transparent: true,
    labs: [],
    async run(mesh) {
      const answer = await mesh.send({ url: REVIEWS, headers: { 'x-request-id': 'kept-as-it-is' } });
      expectEqual('x-request-id at the program', seen(echoOf(answer), 'x-request-id'), ['kept-as-it-is']);
    },
  }),
  defineCase({
    id: 'HDR-INT-001',
    claim: 'A program cannot steer its sidecar by x-envoy-… fields: they are taken away, and a retry that it asks for is not made.',
    source: 'Envoy 1.33: private addresses are not internal; Istio ENABLE_HCM_INTERNAL_NETWORKS off',
    profile: 'core',
    apply: '',
    killedBy: ['MUT-INTERNAL-FIELDS-OBEYED'],
    labs: [],
    async run(mesh) {
      const asked = { 'x-envoy-retry-on': '5xx', 'x-envoy-max-retries': '3', 'x-envoy-upstream-rq-timeout-ms': '1' };
      const answer = await mesh.send({ url: REVIEWS, headers: asked });
      const kept = Object.keys(asked).flatMap((name) => seen(echoOf(answer), name));
      expectEqual('status, and the fields at the program', [answer.status, kept], [200, []]);
      const failed = await mesh.send({ url: REVIEWS, headers: { ...asked, [BEHAVE]: 'fail=503' } });
      expectEqual('status and tries', [failed.status, (await failed.told()).attempts], [503, 1]);
    },
  }),
  defineCase({
    id: 'HDR-HOP-001',
    claim: 'The program sees x-envoy-attempt-count: 1 and x-forwarded-proto: http.',
    source: 'Istio includeRequestAttemptCount; Envoy x-forwarded-proto',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      const echoed = echoOf(await mesh.send({ url: REVIEWS }));
      expectEqual('x-envoy-attempt-count', seen(echoed, 'x-envoy-attempt-count'), ['1']);
      expectEqual('x-forwarded-proto', seen(echoed, 'x-forwarded-proto'), ['http']);
    },
  }),
  defineCase({
    id: 'HDR-FWD-001',
    claim: 'A sidecar is no edge: it adds no address to x-forwarded-for, and takes away an x-forwarded-client-cert that a program claims.',
    source: 'Istio sidecar listeners: use_remote_address false; Envoy forward_client_cert_details SANITIZE',
    profile: 'core',
    apply: '',
    killedBy: ['MUT-SIDECAR-APPENDS-ADDRESS', 'MUT-CLIENT-CERT-KEPT'],
    labs: [],
    async run(mesh) {
      const claims = { 'x-forwarded-for': '192.0.2.9', 'x-forwarded-client-cert': 'By=spiffe://somebody' };
      const echoed = echoOf(await mesh.send({ url: REVIEWS, headers: claims }));
      expectEqual('x-forwarded-for at the program', seen(echoed, 'x-forwarded-for'), ['192.0.2.9']);
      // Under mutual TLS the callee's sidecar tells of the caller's certificate itself.
      const forged = seen(echoed, 'x-forwarded-client-cert').filter((told) => told.includes('somebody'));
      expectEqual('forged x-forwarded-client-cert at the program', forged, []);
      expectEqual('x-forwarded-for when there was none', seen(echoOf(await mesh.send({ url: REVIEWS })), 'x-forwarded-for'), []);
    },
  }),
  defineCase({
    id: 'HDR-RESP-002',
    claim: 'An answer that the sidecar gives itself has a date and its name, and none of the fields of an answer from upstream.',
    source: 'RFC 9110 §6.6.1; Envoy local replies',
    profile: 'core',
    apply: reviewsRules(`- match: [{ uri: { prefix: /only } }]\n  ${to('v1')}`),
    killedBy: ['MUT-NO-DATE'],
    labs: [],
    async run(mesh) {
      const answer = await mesh.send({ url: 'http://reviews:9080/other' });
      expectEqual('status and server', [answer.status, header(answer, 'server')], [404, 'envoy']);
      const date = header(answer, 'date') ?? '';
      expectThat('date', /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/.test(date), 'an IMF-fixdate', date);
      expectEqual('x-envoy-upstream-service-time', header(answer, 'x-envoy-upstream-service-time'), undefined);
    },
  }),
  defineCase({
    id: 'HDR-RESP-001',
    claim: 'An answer from upstream carries server: envoy and a whole number as x-envoy-upstream-service-time.',
    source: 'Envoy server_header_transformation OVERWRITE; router filter headers',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      const answer = await mesh.send({ url: REVIEWS });
      expectEqual('server', header(answer, 'server'), 'envoy');
      const time = header(answer, 'x-envoy-upstream-service-time') ?? '';
      expectThat('x-envoy-upstream-service-time', /^\d+$/.test(time), 'a whole number', time);
    },
  }),
];
