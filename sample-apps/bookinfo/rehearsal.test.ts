import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { Held, readRehearsal } from './rehearsal.ts';

const NOTHING = { fail: undefined, delayMs: 0, hold: false, release: undefined, strict: false };

test('a header says what to do, and what is not understood is passed over', () => {
  expect(readRehearsal('fail=503; delay=250;strict', 'v1')).toEqual({
    fail: 503,
    delayMs: 250,
    hold: false,
    release: undefined,
    strict: true,
  });
  expect(readRehearsal('fail=200;delay=-1;dance', 'v1')).toEqual(NOTHING);
  expect(readRehearsal(undefined, 'v1')).toEqual(NOTHING);
  expect(readRehearsal('delay=9999999', 'v1').delayMs).toBe(60_000);
});

test('only the versions that it names obey', () => {
  expect(readRehearsal('hold;only=v2,v3', 'v2').hold).toBe(true);
  expect(readRehearsal('hold;only=v2,v3', 'v1')).toEqual(NOTHING);
});

test('held requests go in the order in which they came, and who left is not held any longer', async () => {
  const held = new Held();
  const order: string[] = [];
  const leaving = new AbortController();
  const waits = [
    held.wait(leaving.signal).then(() => order.push('left')),
    held.wait(new AbortController().signal).then(() => order.push('first')),
    held.wait(new AbortController().signal).then(() => order.push('second')),
  ];
  leaving.abort();
  await waits[0];
  expect([held.count, held.release(1)]).toEqual([2, 1]);
  await waits[1];
  expect([held.count, held.release(5), held.release(1)]).toEqual([1, 1, 0]);
  await Promise.all(waits);
  expect(order).toEqual(['left', 'first', 'second']);
});

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
};

test('a program fails on demand, and holds a request until it is released', async () => {
  const port = await freePort();
  const program = spawn(process.execPath, [new URL('details/main.ts', import.meta.url).pathname], {
    env: { ...process.env, PORT: String(port), SERVICE_VERSION: 'v1' },
  });
  try {
    const url = `http://127.0.0.1:${port}`;
    const up = async () => {
      while (!(await fetch(`${url}/health`).catch(() => undefined))?.ok) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    await up();
    const ask = (rehearsal: string) => fetch(`${url}/details/0`, { headers: { 'rehearse-details': rehearsal } });
    expect((await ask('fail=503')).status).toBe(503);
    expect((await fetch(`${url}/details/0`, { headers: { 'rehearse-ratings': 'fail=503' } })).status).toBe(200);
    const answered = ask('hold');
    const heldNow = async () => ((await (await ask('release=0')).json()) as { held: number }).held;
    while ((await heldNow()) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await (await ask('release=1')).json()).toEqual({ released: 1, held: 0 });
    expect((await answered).status).toBe(200);
  } finally {
    program.kill();
  }
});
