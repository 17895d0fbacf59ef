import { expect, test } from 'vitest';
import { connectionPair, startServer } from './codec.fixture.ts';
import { Http1Client } from './http1-client.ts';

test('after a 101 bytes flow both ways', async () => {
  const [near, far] = connectionPair();
  const upstream = new Http1Client(near, { maxHeadBytes: 61_440 });
  const client = startServer((request) => upstream.send(request, undefined));
  far.once('data', () => far.write('HTTP/1.1 101 Go\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nhi'));
  let heard = '';
  const answered = new Promise<void>((resolve) => {
    client.on('data', (chunk: Buffer) => {
      heard += chunk.toString();
      if (heard.endsWith('hi')) resolve();
    });
  });
  client.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
  await answered;
  const up = new Promise<string>((resolve) => far.once('data', (chunk: Buffer) => resolve(chunk.toString())));
  client.write('ping');
  expect(await up).toBe('ping');
  expect(heard).toMatch(/^HTTP\/1\.1 101 /);
});
