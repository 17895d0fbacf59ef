/** An ordinary program under the capture dials its sidecar, whichever way it opens connections. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const directory = mkdtempSync(join(tmpdir(), 'capture-'));
const vipsFile = join(directory, 'vips.json');
const heads: string[] = [];
let sidecar: Server;
let port = 0;

beforeAll(async () => {
  writeFileSync(vipsFile, JSON.stringify({ 'reviews.default.svc.cluster.local': '240.240.0.3' }));
  sidecar = createServer((socket: Socket) => {
    let received = '';
    socket.on('data', (bytes) => {
      received += bytes.toString('latin1');
      if (!received.includes('\r\n\r\n')) return;
      heads.push(received);
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok');
    });
  });
  await new Promise<void>((resolve) => sidecar.listen(0, '127.0.0.1', resolve));
  const address = sidecar.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});

afterAll(() => {
  sidecar.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Runs a program under the capture; its output, and what reached the sidecar. */
const captured = async (program: string): Promise<{ output: string; heads: string[] }> => {
  heads.length = 0;
  const preload = fileURLToPath(new URL('./preload.cjs', import.meta.url));
  const env = { ...process.env, DINGHY_OUTBOUND: `127.0.0.1:${port}`, DINGHY_VIPS: vipsFile, DINGHY_NAMESPACE: 'default' };
  const child = spawn(process.execPath, ['--require', preload, '--input-type=module', '-e', program], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (output += bytes.toString()));
  await new Promise((resolve) => child.once('close', resolve));
  return { output: output.trim(), heads: [...heads] };
};

const PROXY_LINE = /^PROXY TCP4 127\.0\.0\.1 240\.240\.0\.3 \d+ 9080\r\nGET \/r HTTP\/1\.1\r\n/;

it.each([
  ['fetch', `console.log(await (await fetch('http://reviews:9080/r')).text())`],
  ['fetch by full name', `console.log(await (await fetch('http://reviews.default.svc.cluster.local:9080/r')).text())`],
  ['http.get', `import { get } from 'node:http'; get('http://reviews:9080/r', (r) => r.on('data', (d) => console.log(String(d))))`],
  [
    'net.connect',
    `import { connect } from 'node:net'; connect(9080, 'reviews').on('data', (d) => console.log(String(d).slice(-2))).write('GET /r HTTP/1.1\\r\\n\\r\\n')`,
  ],
  [
    'a looked-up address',
    `import { lookup } from 'node:dns'; lookup('reviews', async (_, a) => console.log(await (await fetch('http://' + a + ':9080/r')).text()))`,
  ],
])('puts the service address in front of what %s sends', async (_, program) => {
  const seen = await captured(program);
  expect(seen.output).toBe('ok');
  expect(seen.heads).toEqual([expect.stringMatching(PROXY_LINE)]);
});

it('leaves connections alone that go to no service', async () => {
  const seen = await captured(`console.log(await (await fetch('http://127.0.0.1:${port}/direct')).text())`);
  expect(seen.output).toBe('ok');
  expect(seen.heads).toEqual([expect.stringMatching(/^GET \/direct /)]);
});

it('learns of services that are added while the program runs', async () => {
  const program = `import { writeFileSync } from 'node:fs';
    await fetch('http://reviews:9080/r');
    writeFileSync(process.env.DINGHY_VIPS, JSON.stringify({ 'late.default.svc.cluster.local': '240.240.0.9', 'reviews.default.svc.cluster.local': '240.240.0.3' }));
    console.log(await (await fetch('http://late:80/r')).text())`;
  const seen = await captured(program);
  expect(seen.output).toBe('ok');
  expect(seen.heads[1]).toContain('PROXY TCP4 127.0.0.1 240.240.0.9 ');
});
