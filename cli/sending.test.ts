/** How a request finds its way into the mesh. */
import { createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { answerOf, dialOf } from './sending.ts';

const run = {
  name: 'a',
  pid: 1,
  mode: 'process',
  dataPlane: 'dinghy',
  startedAt: '',
  controlPlane: { url: '', token: '' },
  gateways: [{ name: 'gate', url: 'http://127.96.1.200:8080', address: '127.96.1.200' }],
  workloads: [{ name: 'productpage-v1', namespace: 'default', address: '127.96.1.6', adminUrl: '' }],
};
const vips = { 'reviews.default.svc.cluster.local': '240.240.0.3' };

it('dials the sidecar with the service address in the PROXY line', () => {
  expect(dialOf(run, { from: 'productpage-v1', url: 'http://reviews:9080/reviews/0?x=1', vips })).toEqual({
    address: '127.96.1.6',
    port: 15001,
    host: 'reviews:9080',
    path: '/reviews/0?x=1',
    preface: 'PROXY TCP4 127.96.1.6 240.240.0.3 40000 9080\r\n',
  });
});

it('dials a workload itself, in plain text, for who is outside the mesh', () => {
  const dial = dialOf(run, { from: 'outside', url: 'http://productpage-v1:9080/a?b', vips });
  expect(dial).toEqual({ address: '127.96.1.6', port: 9080, host: 'productpage-v1:9080', path: '/a?b', preface: '' });
  expect(() => dialOf(run, { from: 'outside', url: 'http://reviews:9080/', vips })).toThrow('there are productpage-v1');
});

it('takes a path as enough for the gateway, and another host as the Host header', () => {
  expect(dialOf(run, { from: undefined, url: '/productpage', vips })).toMatchObject({
    address: '127.96.1.200',
    port: 8080,
    host: '127.96.1.200:8080',
    path: '/productpage',
    preface: '',
  });
  expect(dialOf(run, { from: undefined, url: 'http://bookinfo.test/', vips })).toMatchObject({
    address: '127.96.1.200',
    host: 'bookinfo.test',
  });
});

it('names what exists when the workload or the service does not', () => {
  expect(() => dialOf(run, { from: 'nobody', url: 'http://reviews:9080/', vips })).toThrow('there are productpage-v1');
  expect(() => dialOf(run, { from: 'productpage-v1', url: 'http://constructor/', vips })).toThrow('no service called constructor');
});

it('writes the PROXY line before the request, and gives the answer', async () => {
  let received = '';
  const server = createServer((socket: Socket) =>
    socket.on('data', (bytes) => {
      received += bytes.toString();
      if (received.includes('\r\n\r\n')) socket.end('HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok');
    }),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const answer = await answerOf(
    { address: '127.0.0.1', port, host: 'x:1', path: '/p', preface: 'PROXY first\r\n' },
    { method: 'GET', headers: { a: 'b' } },
  );
  server.close();
  expect(answer).toMatchObject({ status: 201, body: 'ok', error: '' });
  expect(received).toMatch(/^PROXY first\r\nGET \/p HTTP\/1\.1\r\nhost: x:1\r\n/i);
});

it('says what went wrong when nobody listens', async () => {
  const answer = await answerOf({ address: '127.0.0.1', port: 1, host: 'x', path: '/', preface: '' }, { method: 'GET', headers: {} });
  expect(answer).toMatchObject({ status: 0, error: expect.stringContaining('ECONNREFUSED') });
});
