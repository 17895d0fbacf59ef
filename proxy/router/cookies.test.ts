import { expect, it } from 'vitest';
import { simulatedSystem } from '#system/simulated-system.ts';
import { EMPTY_BODY } from '../http/body.ts';
import { HeaderMap } from '../http/header-map.ts';
import { type HttpRequest, type HttpResponse, NO_TRAILERS } from '../http/message.ts';
import { StreamRecord } from '../http/stream-record.ts';
import { buildRouter, type RouterPlan } from './router.ts';
import type { HostChoice, UpstreamCluster } from './upstream-cluster.ts';

const HERE = { address: '127.0.0.1', port: 1 };
const REQUEST: HttpRequest = {
  method: 'GET',
  scheme: 'http',
  authority: 'a',
  path: '/',
  headers: HeaderMap.EMPTY,
  body: EMPTY_BODY,
  trailers: NO_TRAILERS,
};

const answered = async (hashes: boolean, cookies: readonly string[]) => {
  const counter = { value: 0 };
  const statuses = { count: () => {} };
  let choice: HostChoice | undefined;
  const response: HttpResponse = { status: 200, headers: HeaderMap.of(['set-cookie', 'own=1']), body: EMPTY_BODY, trailers: NO_TRAILERS };
  const cluster = {
    hashes,
    breaker: { retries: 0, mayRetry: true },
    stats: { answered: statuses },
    send: (_request: HttpRequest, _stream: StreamRecord, chosen: HostChoice) => {
      choice = chosen;
      return Promise.resolve(response);
    },
  } as unknown as UpstreamCluster;
  const plan = {
    slot: { name: 'c', current: cluster },
    requestEdits: [],
    responseEdits: [],
    timeoutMs: 0,
    streamLimit: { ms: 0, grpcMs: undefined, grpcOffsetMs: 0 },
    mirrors: [],
    hash: { hash: () => ({ high: 1, low: 2 }), cookies: () => cookies },
    subset: [['version', 'v1']],
    tally: { total: counter, noCluster: counter },
  } as unknown as RouterPlan;
  const stream = new StreamRecord(1, { id: 1, local: HERE, remote: HERE }, 0, 0);
  const { headers } = await buildRouter(plan, simulatedSystem())(REQUEST, stream);
  return { cookies: headers.getAll('set-cookie'), choice };
};

it('gives a client the cookie that keeps it with its host, beside those of upstream', async () => {
  const { cookies, choice } = await answered(true, ['c="1"']);
  expect(cookies).toEqual(['own=1', 'c="1"']);
  expect(choice).toMatchObject({ subset: [['version', 'v1']] });
  expect(choice?.hash?.(REQUEST, new StreamRecord(1, { id: 1, local: HERE, remote: HERE }, 0, 0))).toEqual({ high: 1, low: 2 });
});

it('gives none where the client has one, or the cluster does not go by it', async () => {
  expect((await answered(true, [])).cookies).toEqual(['own=1']);
  expect((await answered(false, ['c="1"'])).cookies).toEqual(['own=1']);
});
