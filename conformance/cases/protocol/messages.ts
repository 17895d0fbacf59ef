/** What passes through: bodies, trailers, interim answers, tunnels, and which headers stay behind. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectContains, expectEqual, expectThat } from '../../expect.ts';
import { BEHAVE, echoOf, readEcho, seen } from '../echoed.ts';
import { REVIEWS } from '../routing/reviews.ts';
import { afterHead, converse, HOST, head, statuses } from './wire.ts';

const get = (path: string, ...more: readonly string[]): string => head(`GET ${path} HTTP/1.1`, HOST, ...more);

/** H1-PIPE-001, H1-CHUNK-001 to 002, H1-HEAD-001, H1-TRAILER-001. */
export const bodies: readonly ConformanceCase[] = [
  defineCase({
    id: 'H1-PIPE-001',
    claim: 'Three requests in one write get three answers in the order of the requests.',
    source: 'RFC 9112 §9.3.2',
    profile: 'core',
    apply: '',
    killedBy: [],
    transparent: true,
    labs: [],
    async run(mesh) {
      const text = await converse(mesh, get('/first') + get('/second') + get('/third', 'Connection: close'));
      const order = ['/first', '/second', '/third'].map((path) => text.indexOf(path));
      expectEqual('statuses', statuses(text), [200, 200, 200]);
      expectThat(
        'places of the echoed paths in the answer',
        order[0] !== -1 && order.join() === order.toSorted((a, b) => a - b).join(),
        'rising',
        order,
      );
    },
  }),
  defineCase({
    id: 'H1-CHUNK-001',
    claim: 'A chunked request body reaches the program byte for byte, without its framing.',
    source: 'RFC 9112 §7.1',
    profile: 'core',
    apply: '',
    killedBy: [],
    transparent: true,
    labs: [],
    async run(mesh) {
      const request = head('POST /x HTTP/1.1', HOST, 'Transfer-Encoding: chunked', 'Connection: close');
      const text = await converse(mesh, `${request}5;ext=1\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\n`);
      expectContains('answer', text, '"body":"hello world"');
    },
  }),
  defineCase({
    id: 'H1-CHUNK-002',
    claim: "A chunked answer reaches the client byte for byte, and the connection's next answer is whole.",
    source: 'RFC 9112 §7.1',
    profile: 'core',
    apply: '',
    killedBy: [],
    transparent: true,
    labs: [],
    async run(mesh) {
      const answer = await mesh.send({ url: REVIEWS, headers: { [BEHAVE]: 'chunked' } });
      expectEqual('path in the echo', echoOf(answer).path, '/reviews/0');
      const text = await converse(mesh, get('/a', `${BEHAVE}: chunked`) + get('/b', 'Connection: close'));
      expectEqual('statuses', statuses(text), [200, 200]);
    },
  }),
  defineCase({
    id: 'H1-HEAD-001',
    claim: 'The answer to HEAD has no body, and the next answer on the connection follows at once.',
    source: 'RFC 9110 §9.3.2',
    profile: 'core',
    apply: '',
    killedBy: [],
    transparent: true,
    labs: [],
    async run(mesh) {
      const text = await converse(mesh, head('HEAD /first HTTP/1.1', HOST) + get('/second', 'Connection: close'));
      expectEqual('statuses', statuses(text), [200, 200]);
      expectThat(
        'bytes behind the first head',
        afterHead(text).startsWith('HTTP/1.1 200'),
        'the second answer',
        afterHead(text).slice(0, 80),
      );
    },
  }),
  defineCase({
    id: 'H1-TRAILER-001',
    claim: 'Request trailers are dropped and never become headers.',
    source: 'Envoy Http1ProtocolOptions.enable_trailers: false; RFC 9110 §6.5.1',
    profile: 'core',
    apply: '',
    killedBy: [],
    transparent: true,
    labs: [],
    async run(mesh) {
      const request = head('POST /x HTTP/1.1', HOST, 'Transfer-Encoding: chunked', 'Connection: close');
      const text = await converse(mesh, `${request}2\r\nhi\r\n0\r\nx-late: 1\r\n\r\n`);
      expectContains('answer', text, '"body":"hi"');
      expectThat('headers at the program', !text.includes('x-late'), 'no x-late', text);
    },
  }),
];

/** H1-EXPECT-001, H1-UPGRADE-001. */
export const interim: readonly ConformanceCase[] = [
  defineCase({
    id: 'H1-EXPECT-001',
    claim: 'Expect: 100-continue gets 100 while the body is withheld, then the final answer with the body once.',
    source: 'RFC 9110 §10.1.1; Istio proxy100Continue',
    profile: 'core',
    apply: '',
    killedBy: [],
    transparent: true,
    labs: [],
    async run(mesh) {
      await using wire = await mesh.dial('productpage-v1', 'reviews:9080');
      wire.write(head('POST /x HTTP/1.1', HOST, 'Content-Length: 5', 'Expect: 100-continue', 'Connection: close'));
      await wire.until('HTTP/1.1 100 Continue\r\n\r\n');
      wire.write('hello');
      const text = await wire.untilClosed();
      expectEqual('statuses', statuses(text), [100, 200]);
      expectContains('answer', text, '"body":"hello"');
    },
  }),
  defineCase({
    id: 'H1-UPGRADE-001',
    claim: 'A WebSocket upgrade is answered 101, and bytes then flow both ways as they are.',
    source: 'Istio upgradeConfigs websocket; RFC 9110 §7.8',
    profile: 'core',
    apply: '',
    killedBy: [],
    transparent: true,
    labs: [],
    async run(mesh) {
      await using wire = await mesh.dial('productpage-v1', 'reviews:9080');
      const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
      wire.write(get('/ws', 'Connection: Upgrade', 'Upgrade: websocket', key, 'Sec-WebSocket-Version: 13'));
      expectEqual('statuses', statuses(await wire.until('\r\n\r\n')), [101]);
      wire.write('\x81\x00\xffany bytes');
      await wire.until('\x81\x00\xffany bytes');
    },
  }),
];

/** H1-HOP-001, H1-CASE-001. */
export const fields: readonly ConformanceCase[] = [
  defineCase({
    id: 'H1-HOP-001',
    claim: 'Keep-Alive, Proxy-Connection and Connection itself stay behind at the proxy.',
    source: 'RFC 9110 §7.6.1; Envoy conn_manager_utility.cc',
    profile: 'core',
    apply: '',
    killedBy: ['MUT-HOP-BY-HOP-FORWARDED'],
    labs: [],
    async run(mesh) {
      const text = await converse(mesh, get('/x', 'Keep-Alive: timeout=9', 'Proxy-Connection: keep-alive', 'Connection: close'));
      const echoed = readEcho(afterHead(text));
      expectEqual('keep-alive at the program', seen(echoed, 'keep-alive'), []);
      expectEqual('proxy-connection at the program', seen(echoed, 'proxy-connection'), []);
      expectThat('connection at the program', !seen(echoed, 'connection').includes('close'), 'not close', seen(echoed, 'connection'));
    },
  }),
  defineCase({
    id: 'H1-CASE-001',
    claim: 'Header names reach the program in lower case, values unchanged.',
    source: 'Envoy header casing; RFC 9110 §5.1',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      const echoed = echoOf(await mesh.send({ url: REVIEWS, headers: { 'X-MiXeD': 'Va lue' } }));
      const found = echoed.headers.filter(([name]) => name.toLowerCase() === 'x-mixed');
      expectEqual('header at the program', found, [['x-mixed', 'Va lue']]);
    },
  }),
];
