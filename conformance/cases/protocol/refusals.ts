/** Requests that a proxy must not serve, and where a message's framing leads. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectEqual, expectThat } from '../../expect.ts';
import { readEcho, seen } from '../echoed.ts';
import { afterHead, converse, HOST, head, refused, SMUGGLED, statuses, upstream } from './wire.ts';

/** H1-METHOD-001, H1-LINE-003, H1-CONNECT-001, H1-HOP-003, H1-EARLY-001, H1-UPGRADE-003. */
export const refusals: readonly ConformanceCase[] = [
  defineCase({
    id: 'H1-METHOD-001',
    claim: 'A method that nobody registered is answered 400 and goes nowhere.',
    source: 'Envoy Http1ProtocolOptions.allow_custom_methods: false',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    run: refused(head('FOO /x HTTP/1.1', HOST), 400),
  }),
  defineCase({
    id: 'H1-LINE-003',
    claim: 'A path beyond ASCII is answered 400 and goes nowhere.',
    source: 'RFC 9112 §3.2; RFC 3986 §2',
    // istiod sends what does not look like HTTP past the routes, as bytes.
    controlPlanes: ['dinghy'],
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    run: refused(head('GET /\xc3\xa4 HTTP/1.1', HOST), 400),
  }),
  defineCase({
    id: 'H1-CONNECT-001',
    claim: 'CONNECT opens no tunnel: it is answered 404, the connection closes, and nothing goes upstream.',
    source: 'Envoy: CONNECT needs a route with a connect_matcher',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    run: refused(head('CONNECT reviews:9080 HTTP/1.1', HOST) + SMUGGLED, 404),
  }),
  defineCase({
    id: 'H1-HOP-003',
    claim: 'A client cannot have x-forwarded-for taken away by naming it in Connection: it is answered 400.',
    source: 'Envoy http1.connection_header_rejected; CVE-2022-31813',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    run: refused(head('GET /x HTTP/1.1', HOST, 'Connection: x-forwarded-for'), 400),
  }),
  defineCase({
    id: 'H1-EARLY-001',
    claim: 'Bytes that never were HTTP are answered 400 as soon as that is certain, without waiting for a line to end.',
    source: 'Envoy http1.codec_error',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      await using wire = await mesh.dial('productpage-v1', 'reviews:9080');
      wire.write('\x05\x01\x00');
      expectEqual('statuses', statuses(await wire.untilClosed()), [400]);
    },
  }),
  defineCase({
    id: 'H1-UPGRADE-003',
    claim: 'What a client sent behind an upgrade that is not allowed is never read as a request.',
    source: 'CVE-2026-2833; Envoy closes behind upgrade_failed',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      const before = await upstream(mesh);
      const text = await converse(mesh, head('GET /x HTTP/1.1', HOST, 'Connection: Upgrade', 'Upgrade: foo') + SMUGGLED);
      expectEqual('statuses until the connection closed', statuses(text), [403]);
      expectEqual('requests sent upstream', (await upstream(mesh)).requests - before.requests, 0);
    },
  }),
];

/** H1-FRAME-001 to 002. */
export const boundaries: readonly ConformanceCase[] = [
  defineCase({
    id: 'H1-FRAME-001',
    claim: 'A request body that came in chunks reaches the program in chunks, even when all of it was there at once.',
    source: 'Envoy keeps transfer-encoding: chunked; RFC 9112 §7.1',
    profile: 'core',
    apply: '',
    killedBy: [],
    transparent: true,
    labs: [],
    async run(mesh) {
      const request = head('POST /x HTTP/1.1', HOST, 'Transfer-Encoding: chunked', 'Connection: close');
      const text = await converse(mesh, `${request}5\r\nhello\r\n0\r\n\r\n`);
      const { headers } = readEcho(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1));
      const framing = headers
        .map(([name]) => name.toLowerCase())
        .filter((name) => name === 'transfer-encoding' || name === 'content-length');
      expectThat('framing at the program', framing.join() === 'transfer-encoding', 'transfer-encoding alone', framing);
    },
  }),
  defineCase({
    id: 'H1-FRAME-002',
    claim: 'A POST without a body reaches the program with content-length: 0.',
    source: 'RFC 9110 §8.6; Envoy HTTP/1.1 codec',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      const text = await converse(mesh, head('POST /x HTTP/1.1', HOST, 'Connection: close'));
      expectEqual('content-length at the program', seen(readEcho(afterHead(text)), 'content-length'), ['0']);
    },
  }),
];
