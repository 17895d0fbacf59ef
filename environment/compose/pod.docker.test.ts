/** The packaging, one pod at a time: what the images and the rules do before there is a mesh. Needs a Docker engine. */
import { GenericContainer, Network, type StartedNetwork, type StartedTestContainer, StartupCheckStrategy, Wait } from 'testcontainers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { imageName } from './compose-file.ts';
import { buildImages } from './images.ts';
import { redirectRules } from './redirect-rules.ts';

/** Answers every connection to 15001 with the address that was dialled, as the kernel keeps it. */
const LISTENER = `
const { createServer } = require('node:net');
const { dlopen, getRawPointer } = require('node:ffi');
const { functions } = dlopen(null, { getsockopt: { arguments: ['i32', 'i32', 'i32', 'pointer', 'pointer'], return: 'i32' } });
const address = Buffer.alloc(28);
const length = new Uint32Array([28]);
createServer((socket) => {
  functions.getsockopt(socket._handle.fd, 0, 80, getRawPointer(address), getRawPointer(length));
  socket.end(address.subarray(4, 8).join('.') + ':' + address.readUInt16BE(2));
}).listen(15001, () => console.log('listening'));`;

/** Dials, and prints what it is told or why it was not. */
const dial = (address: string, port: number): string[] => [
  '/bin/node',
  '-e',
  `require('node:net').connect(${port}, '${address}').setTimeout(1500, function () { this.destroy(new Error('silence')); })
    .on('data', (told) => console.log(String(told))).on('error', ({ code, message }) => console.log(code ?? message))`,
];

/** For containers that say nothing: they are ready when they run. */
class Running extends StartupCheckStrategy {
  override async checkStartupState(dockerode: Parameters<StartupCheckStrategy['checkStartupState']>[0], id: string) {
    const { State } = await dockerode.getContainer(id).inspect();
    return State.Running ? ('SUCCESS' as const) : ('FAIL' as const);
  }
}

const FOREVER = 'setInterval(() => {}, 1e9); process.on("SIGTERM", () => process.exit())';
/** An address that is nobody's (RFC 5737). */
const NOBODY = '192.0.2.1';

let network: StartedNetwork;
let pod: StartedTestContainer;
let program: StartedTestContainer;
let sidecar: StartedTestContainer;
const running: StartedTestContainer[] = [];

const start = async (container: GenericContainer): Promise<StartedTestContainer> => {
  const started = await container.start();
  running.unshift(started);
  return started;
};
const inPod = (image: string): GenericContainer => new GenericContainer(imageName(image)).withNetworkMode(`container:${pod.getId()}`);
const init = (): GenericContainer =>
  inPod('init')
    .withWaitStrategy(Wait.forOneShotStartup())
    .withCopyContentToContainer([
      { content: redirectRules({ outbound: 15_001, inbound: 15_006, open: [15_000] }), target: '/etc/dinghy/redirect.rules' },
    ]);
const told = async (address: string, port: number, user?: string): Promise<string> =>
  (await program.exec(dial(address, port), user === undefined ? {} : { user })).output.trim();

beforeAll(async () => {
  await buildImages();
  network = await new Network().start();
  pod = await start(
    new GenericContainer(imageName('pause')).withNetwork(network).withNetworkAliases('reviews').withWaitStrategy(new Running()),
  );
  program = await start(inPod('apps').withCommand(['-e', FOREVER]).withWaitStrategy(new Running()));
}, 300_000);

afterAll(async () => {
  for (const container of running) await container.stop({ timeout: 0 }).catch(() => {});
  await network?.stop();
}, 60_000);

test('before its init container has run, a pod is like any other container', async () => {
  expect(await told(NOBODY, 80)).not.toBe(`${NOBODY}:80`);
});

test('an init container that may not change the network fails, so that nothing starts after it', async () => {
  await expect(init().start()).rejects.toThrow();
});

test('afterwards a program that knows nothing reaches its sidecar whatever it dials, and the sidecar learns what that was', async () => {
  running.unshift(await init().withAddedCapabilities('NET_ADMIN', 'NET_RAW').start());
  sidecar = await start(
    inPod('node').withUser('1337:1337').withCommand(['-e', LISTENER]).withWaitStrategy(Wait.forLogMessage('listening')),
  );
  expect(await told(NOBODY, 80)).toBe(`${NOBODY}:80`);
  expect(await told('240.240.0.3', 9080)).toBe('240.240.0.3:9080');
});

test('the sidecar itself and loopback are let through', async () => {
  expect(await told(NOBODY, 80, '1337')).not.toBe(`${NOBODY}:80`);
  expect(await told('127.0.0.1', 4)).toBe('ECONNREFUSED');
});

test('names are still resolved: the rules leave those of Docker alone', async () => {
  const { output } = await program.exec([
    '/bin/node',
    '-e',
    `require('node:dns').lookup('reviews', (error, found) => console.log(found ?? error.code))`,
  ]);
  expect(output.trim()).toBe(pod.getIpAddress(network.getName()));
});

test('a program that is started again is captured as before', async () => {
  await program.restart({ timeout: 0 });
  expect(await told(NOBODY, 80)).toBe(`${NOBODY}:80`);
});

test('without its sidecar a program reaches nobody', async () => {
  await sidecar.stop({ timeout: 0 });
  expect(await told(NOBODY, 80)).toBe('ECONNREFUSED');
});
