/** Where one message ends and the next begins, and what is refused because that is unclear. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectEqual, expectThat } from '../../expect.ts';
import { converse, HOST, head, refused, SMUGGLED, statuses } from './wire.ts';

/** H1-SMUG-001 to 002, H1-HOST-001, H1-VER-001, H1-LINE-001, H1-LIMIT-001, H1-CHUNK-003. */
export const framing: readonly ConformanceCase[] = [
  defineCase({
    id: 'H1-SMUG-001',
    claim: 'A request with both Content-Length and Transfer-Encoding is answered 400, the connection closes, and nothing goes upstream.',
    source: 'RFC 9112 §6.3; Envoy allow_chunked_length: false',
    profile: 'core',
    apply: '',
    killedBy: ['MUT-CL-TE-ACCEPTED'],
    labs: [],
    run: refused(`${head('POST /x HTTP/1.1', HOST, 'Content-Length: 52', 'Transfer-Encoding: chunked')}0\r\n\r\n${SMUGGLED}`, 400),
  }),
  defineCase({
    id: 'H1-SMUG-002',
    claim: 'Two different Content-Length fields are answered 400, the connection closes, and nothing goes upstream.',
    source: 'RFC 9112 §6.3',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    run: refused(`${head('POST /x HTTP/1.1', HOST, 'Content-Length: 5', 'Content-Length: 6')}hello${SMUGGLED}`, 400),
  }),
  defineCase({
    id: 'H1-HOST-001',
    claim: 'An HTTP/1.1 request without Host is answered 400 and goes nowhere.',
    source: 'RFC 9112 §3.2; Envoy details missing_host_header',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    run: refused(head('GET /x HTTP/1.1', 'Connection: close'), 400),
  }),
  defineCase({
    id: 'H1-VER-001',
    claim: 'An HTTP/1.0 request is answered 426 and goes nowhere.',
    source: 'Envoy accept_http_10: false, details low_version',
    // istiod sends what is no HTTP/1.1 or HTTP/2 past the routes, as bytes.
    controlPlanes: ['dinghy'],
    profile: 'core',
    apply: '',
    killedBy: ['MUT-LOW-VERSION-ACCEPTED'],
    labs: [],
    run: refused(head('GET /x HTTP/1.0', HOST), 426),
  }),
  defineCase({
    id: 'H1-LINE-001',
    claim: 'A malformed request line is answered 400 and the connection closes.',
    source: 'RFC 9112 §3',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    run: refused(`${head('GET  /x  y HTTP/1.1', HOST)}${SMUGGLED}`, 400),
  }),
  defineCase({
    id: 'H1-LIMIT-001',
    claim: 'A head of more than 60 KiB is answered 431 and the connection closes.',
    source: 'Envoy max_request_headers_kb (default 60), details http1.headers_too_large',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    run: refused(head('GET /x HTTP/1.1', HOST, `x-long: ${'a'.repeat(70 * 1024)}`), 431),
  }),
];

/** H1-KEEP-001. */
export const pooling: readonly ConformanceCase[] = [
  defineCase({
    id: 'H1-KEEP-001',
    claim: 'Ten requests one after another use one upstream connection.',
    source: 'Envoy connection pooling, HTTP/1.1',
    profile: 'core',
    apply: `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: productpage
spec:
  host: productpage
  subsets:
  - name: v1
    labels: { version: v1 }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: productpage
spec:
  hosts: [productpage]
  http:
  - route: [{ destination: { host: productpage, subset: v1 } }]
`,
    killedBy: [],
    labs: [],
    async run(mesh) {
      const cluster = 'cluster.outbound|9080|v1|productpage.default.svc.cluster.local';
      for (let i = 0; i < 10; i++) {
        expectEqual('status', (await mesh.send({ from: 'reviews-v1', url: 'http://productpage:9080/x' })).status, 200);
      }
      expectEqual('requests sent upstream', await mesh.stat('reviews-v1', `${cluster}.upstream_rq_total`), 10);
      const connections = await mesh.stat('reviews-v1', `${cluster}.upstream_cx_total`);
      expectThat('upstream connections opened', connections === 1, '1', connections);
    },
  }),
  defineCase({
    id: 'H1-CHUNK-003',
    claim:
      'A chunk size with junk behind it, and chunk data longer than its size, are answered 400, and what follows is taken for no request.',
    source: 'RFC 9112 §7.1; behaviours H1-06',
    profile: 'core',
    // Envoy reads over both (CVE-2025-55315 is about what that leads to).
    dataPlanes: ['dinghy'],
    apply: '',
    killedBy: ['MUT-CHUNK-SIZE-JUNK-ACCEPTED', 'MUT-CHUNK-OVERRUN-ACCEPTED'],
    labs: [],
    async run(mesh) {
      const post = head('POST /x HTTP/1.1', HOST, 'Transfer-Encoding: chunked');
      for (const chunks of ['5x\r\nhello\r\n0\r\n\r\n', '5\r\nhello!\r\n0\r\n\r\n']) {
        const text = await converse(mesh, `${post}${chunks}${SMUGGLED}`);
        expectEqual(`statuses after the chunks ${JSON.stringify(chunks)}`, statuses(text), [400]);
        expectThat('answer', !text.includes('smuggled'), 'no echo of what came behind', text);
      }
    },
  }),
];
