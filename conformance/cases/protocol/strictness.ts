/** What two readers could read in two ways is refused; what only looks unusual is read as its RFC says. */
import { type ConformanceCase, defineCase, type MeshUnderTest } from '../../define-case.ts';
import { expectEqual } from '../../expect.ts';
import { readEcho, seen } from '../echoed.ts';
import { afterHead, converse, expectRefused, HOST, head, SMUGGLED, statuses } from './wire.ts';

/** Each on a connection of its own. */
const refuses =
  (status: number, ...requests: readonly string[]) =>
  async (mesh: MeshUnderTest): Promise<void> => {
    for (const request of requests) await expectRefused(mesh, request, status);
  };

/** H1-SMUG-003 to 004, H1-HOST-002, H1-LINE-002, H1-LIMIT-002, H1-UPGRADE-002. */
export const strictness: readonly ConformanceCase[] = [
  defineCase({
    id: 'H1-SMUG-003',
    claim: 'A Transfer-Encoding that is not chunked alone is answered 501, the connection closes, and nothing goes upstream.',
    source: 'RFC 9112 §6.1: a server that receives a transfer coding it does not understand SHOULD respond with 501',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    run: refuses(
      501,
      `${head('POST /x HTTP/1.1', HOST, 'Transfer-Encoding: gzip, chunked')}0\r\n\r\n${SMUGGLED}`,
      `${head('POST /x HTTP/1.1', HOST, 'Transfer-Encoding: xchunked')}0\r\n\r\n${SMUGGLED}`,
    ),
  }),
  defineCase({
    id: 'H1-SMUG-004',
    claim: 'A Content-Length that is not digits alone is answered 400, the connection closes, and nothing goes upstream.',
    source: 'RFC 9110 §8.6; RFC 9112 §6.3',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    run: refuses(
      400,
      `${head('POST /x HTTP/1.1', HOST, 'Content-Length: +5')}hello${SMUGGLED}`,
      `${head('POST /x HTTP/1.1', HOST, 'Content-Length: 5, 5')}hello${SMUGGLED}`,
      `${head('POST /x HTTP/1.1', HOST, 'Content-Length: 0x5')}hello${SMUGGLED}`,
    ),
  }),
  defineCase({
    id: 'H1-HOST-002',
    claim: 'Two Host fields are answered 400: nobody may choose which one counts.',
    source: 'RFC 9112 §3.2: more than one Host header field',
    profile: 'core',
    // Envoy joins the two with a comma and looks for a host of that name.
    dataPlanes: ['dinghy'],
    apply: '',
    killedBy: [],
    labs: [],
    run: refuses(400, `${head('GET /x HTTP/1.1', HOST, 'Host: productpage:9080')}${SMUGGLED}`),
  }),
  defineCase({
    id: 'H1-LINE-002',
    claim: 'A field with a space before its colon, or with a NUL in its value, is answered 400 and the connection closes.',
    source: 'RFC 9112 §5.1: no whitespace between name and colon; RFC 9110 §5.5',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    run: refuses(
      400,
      `${head('GET /x HTTP/1.1', HOST, 'x-odd : 1')}${SMUGGLED}`,
      `${head('GET /x HTTP/1.1', HOST, 'x-odd: a\0b')}${SMUGGLED}`,
    ),
  }),
  defineCase({
    id: 'H1-LIMIT-002',
    claim: 'A head of more than 100 fields is answered 431 and the connection closes.',
    source: 'Envoy max_headers_count (default 100), details http1.too_many_headers',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    run: refuses(431, head('GET /x HTTP/1.1', HOST, ...Array.from({ length: 101 }, (_, index) => `x-${index}: 1`))),
  }),
  defineCase({
    id: 'H1-UPGRADE-002',
    claim: 'An upgrade to anything but WebSocket is answered 403 and goes nowhere.',
    source: 'Istio upgradeConfigs websocket; Envoy details upgrade_failed',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    run: async (mesh) => {
      await using wire = await mesh.dial('productpage-v1', 'reviews:9080');
      wire.write(head('GET /x HTTP/1.1', HOST, 'Connection: Upgrade', 'Upgrade: telnet'));
      expectEqual('statuses', statuses(await wire.until('\r\n\r\n')), [403]);
    },
  }),
];

const echoed = async (mesh: MeshUnderTest, ...lines: readonly string[]) => {
  const text = await converse(mesh, head(...lines, 'Connection: close'));
  expectEqual('statuses', statuses(text), [200]);
  return readEcho(afterHead(text));
};

/** H1-HOP-002, H1-TARGET-001, H1-PATH-001, H1-BODY-001. */
export const readings: readonly ConformanceCase[] = [
  defineCase({
    id: 'H1-HOP-002',
    claim: 'A field that Connection names stays behind at the proxy, and so does a TE that wants no trailers.',
    source: 'RFC 9110 §7.6.1, §10.1.4',
    profile: 'core',
    apply: '',
    killedBy: ['MUT-NOMINATED-FORWARDED'],
    labs: [],
    async run(mesh) {
      const request = await echoed(mesh, 'GET /x HTTP/1.1', HOST, 'Connection: x-hop', 'x-hop: 1', 'x-stays: 1', 'TE: gzip');
      expectEqual(
        'x-hop, x-stays and te at the program',
        ['x-hop', 'x-stays', 'te'].map((name) => seen(request, name)),
        [[], ['1'], []],
      );
    },
  }),
  defineCase({
    id: 'H1-TARGET-001',
    claim: 'The host of an absolute target counts and the Host field beside it does not: it is routed and forwarded as the target says.',
    source: 'RFC 9112 §3.2.2: absolute-form',
    profile: 'core',
    apply: '',
    killedBy: ['MUT-TARGET-HOST-IGNORED'],
    labs: [],
    async run(mesh) {
      const request = await echoed(mesh, 'GET http://reviews:9080/abs?a=1 HTTP/1.1', 'Host: nobody.example.test');
      expectEqual('path and host at the program', [request.path, seen(request, 'host')], ['/abs?a=1', ['reviews:9080']]);
    },
  }),
  defineCase({
    id: 'H1-PATH-001',
    claim:
      'Dot segments are resolved and escaped letters read before anybody matches the path; double slashes and the query stay as they are.',
    source: 'Istio pathNormalization BASE; RFC 3986 §6.2.2',
    profile: 'core',
    apply: '',
    killedBy: ['MUT-PATHS-NOT-NORMALIZED'],
    labs: [],
    async run(mesh) {
      for (const [target, path] of [
        ['/a/../b/./c', '/b/c'],
        ['/%61bc', '/abc'],
        ['/a//b', '/a//b'],
        ['/x?y=/../z', '/x?y=/../z'],
      ]) {
        expectEqual(`path at the program for ${target}`, (await echoed(mesh, `GET ${target} HTTP/1.1`, HOST)).path, path);
      }
    },
  }),
  defineCase({
    id: 'H1-BODY-001',
    claim: 'A megabyte reaches the program byte for byte, and comes back so.',
    source: 'RFC 9112 §6: the message body',
    profile: 'core',
    apply: '',
    killedBy: [],
    transparent: true,
    labs: [],
    async run(mesh) {
      const body = Array.from({ length: 65_536 }, (_, index) => String(index).padStart(15, '.')).join(',');
      const answer = await mesh.send({ method: 'POST', url: 'http://reviews:9080/x', body });
      const { body: back } = readEcho(answer.body);
      expectEqual('length of the body that came back, and whether it is the same', [back.length, back === body], [body.length, true]);
    },
  }),
];
