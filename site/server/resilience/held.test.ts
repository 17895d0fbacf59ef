import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { startSmallMesh } from '../small-mesh.fixture.ts';
import type { SentAnswer } from '../told.ts';
import { HeldRequests } from './held.ts';

const answer = (fields: Partial<SentAnswer>): SentAnswer => ({
  status: 200,
  durationMs: 1,
  body: '',
  error: '',
  requestId: '',
  servedBy: 'reviews-v1',
  flags: '-',
  ...fields,
});

/** A program that holds, behind a proxy with two places and one seat. */
const program = async () => {
  const held: (() => void)[] = [];
  const line: (() => void)[] = [];
  const come = (go: () => void): void => void held.push(go);
  const server = createServer((request, response) => {
    const count = Number(/release=(\d+)/.exec(String(request.headers['rehearse-reviews']))?.[1]);
    const gone = held.splice(0, count);
    for (const go of gone) go();
    for (const next of line.splice(0, gone.length)) come(next);
    response.end(JSON.stringify({ released: gone.length, held: held.length }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const send = (): Promise<readonly SentAnswer[]> =>
    new Promise((resolve) => {
      const go = () => resolve([answer({})]);
      if (held.length < 2) come(go);
      else if (line.length < 1) line.push(go);
      else resolve([answer({ status: 503, flags: 'UO', servedBy: '' })]);
    });
  return { appPort: (server.address() as AddressInfo).port, send, close: () => server.close() };
};

const ORDER = { from: 'productpage-v1', method: 'GET', url: 'http://reviews:9080/reviews/0', headers: {}, count: 4 };

test('each request has found its place when it is told, the oldest go first, and the load rests until all are gone', async () => {
  await using small = await startSmallMesh();
  const { appPort, send, close } = await program();
  const loads: string[] = [];
  const load = {
    state: { on: true, perSecond: 4, url: '' },
    stop: () => loads.push('stop'),
    start: (perSecond?: number) => loads.push(`start ${perSecond}`),
  };
  const workloads = small.mesh.workloads.flatMap((one) => (one.name === 'reviews-v1' ? [{ ...one, appPort }] : []));
  const held = new HeldRequests({ mesh: { ...small.mesh, workloads }, sender: { send }, load });
  const fates = ({ requests }: Awaited<ReturnType<typeof held.view>>) => requests.map((one) => one.answer?.status ?? 'open');
  expect(fates(await held.add(ORDER))).toEqual(['open', 'open', 'open', 503]);
  expect(fates(await held.release(1))).toEqual([200, 'open', 'open', 503]);
  expect((await held.clear()).requests).toEqual([]);
  expect(loads).toEqual(['stop', 'start 4']);
  close();
});

test('more than it holds at once are refused in words', async () => {
  await using small = await startSmallMesh();
  const load = { state: { on: false, perSecond: 4, url: '' }, stop: () => undefined, start: () => undefined };
  const held = new HeldRequests({ mesh: small.mesh, sender: { send: () => Promise.resolve([]) }, load });
  await expect(held.add({ ...ORDER, count: 401 })).rejects.toThrow('At most 400');
});
