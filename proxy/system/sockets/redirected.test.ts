import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { redirectedFrom } from './redirected.ts';

const accepted = async (host: string): Promise<Socket> => {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const client = connect(address.port, host);
  const [socket] = (await once(server, 'connection')) as [Socket];
  client.destroy();
  server.close();
  return socket;
};

test('a connection that nobody redirected came from nowhere else', async () => {
  const socket = await accepted('127.0.0.1');
  // Where connections are tracked the kernel answers with the address that was dialled: this one.
  expect([undefined, { address: socket.localAddress, port: socket.localPort }]).toContainEqual(redirectedFrom(socket));
});

test('a closed connection is asked nothing', async () => {
  const socket = await accepted('127.0.0.1');
  socket.destroy();
  expect(redirectedFrom(socket)).toBeUndefined();
});
