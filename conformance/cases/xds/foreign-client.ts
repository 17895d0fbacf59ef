/** An ADS client that is nobody's proxy: it asks, acknowledges or refuses exactly as a case wants, and keeps what it was sent. */
import type { OpenAdsStream } from '#api/ads-stream.ts';
import { KINDS, type Kind, kindOf, TYPE_URLS } from '#api/kinds.ts';
import { DiscoveryRequest, type DiscoveryResponse, Node } from '#envoy';
import { Mismatch } from '../../expect.ts';

const WAIT_MS = 3_000;

/** What came, in order, and the means to answer it. */
export interface ForeignClient extends Disposable {
  /** Kinds of the responses so far, in the order of their coming. */
  readonly order: readonly Kind[];
  subscribe(kind: Kind, names?: readonly string[]): void;
  /** The next response of that kind which nobody has taken yet. */
  next(kind: Kind): Promise<DiscoveryResponse>;
  /** True when no response of that kind comes within `quietMs`. */
  silent(kind: Kind, quietMs: number): Promise<boolean>;
  acknowledge(response: DiscoveryResponse, names?: readonly string[]): void;
  /** lastGood: the version that stays in force. nonce: another than the response's, to be wrong on purpose. */
  refuse(response: DiscoveryResponse, lastGood: string, reason: string, nonce?: string): void;
}

const nodeOf = (name: string): Node =>
  Node.fromPartial({
    id: `sidecar~127.96.250.1~${name}.default~default.svc.cluster.local`,
    cluster: `${name}.default`,
    metadata: { NAMESPACE: 'default', WORKLOAD_NAME: name, SERVICE_ACCOUNT: 'default', LABELS: { app: name } },
  });

/** name: becomes its workload name in the control plane's list of proxies. */
export const foreignClient = (open: OpenAdsStream, name: string): ForeignClient => {
  const waiting: { kind: Kind; take: (response: DiscoveryResponse | undefined) => void }[] = [];
  const untaken: DiscoveryResponse[] = [];
  const order: Kind[] = [];
  let ended = '';
  const stream = open({
    response(response) {
      const kind = kindOf(response.typeUrl);
      if (kind === undefined) return;
      order.push(kind);
      const index = waiting.findIndex((one) => one.kind === kind);
      const [first] = index === -1 ? [] : waiting.splice(index, 1);
      if (first) first.take(response);
      else untaken.push(response);
    },
    ended(reason) {
      ended = reason || 'the stream ended';
      for (const { take } of waiting.splice(0)) take(undefined);
    },
  });
  let introduced = false;
  const send = (request: Partial<DiscoveryRequest>): void => {
    stream.send({ ...DiscoveryRequest.fromPartial({}), ...(introduced ? {} : { node: nodeOf(name) }), ...request });
    introduced = true;
  };
  const take = (kind: Kind, waitMs: number): Promise<DiscoveryResponse | undefined> => {
    const index = untaken.findIndex((response) => response.typeUrl === TYPE_URLS[kind]);
    const [first] = index === -1 ? [] : untaken.splice(index, 1);
    if (first || ended !== '') return Promise.resolve(first);
    return new Promise((resolve) => {
      const entry = { kind, take: (response: DiscoveryResponse | undefined) => resolve(response) };
      waiting.push(entry);
      setTimeout(() => {
        if (waiting.includes(entry)) waiting.splice(waiting.indexOf(entry), 1);
        resolve(undefined);
      }, waitMs);
    });
  };
  return {
    order,
    subscribe: (kind, names = []) => send({ typeUrl: TYPE_URLS[kind], resourceNames: [...names] }),
    async next(kind) {
      const response = await take(kind, WAIT_MS);
      if (response === undefined) throw new Mismatch(`${kind.toUpperCase()} response`, `one within ${WAIT_MS} ms`, ended || 'none');
      return response;
    },
    async silent(kind, quietMs) {
      const response = await take(kind, quietMs);
      if (ended !== '') throw new Mismatch('the stream', 'open', ended);
      return response === undefined;
    },
    acknowledge: ({ typeUrl, versionInfo, nonce }, names = []) =>
      send({ typeUrl, versionInfo, responseNonce: nonce, resourceNames: [...names] }),
    refuse: ({ typeUrl, nonce }, lastGood, reason, wrongNonce) =>
      send({ typeUrl, versionInfo: lastGood, responseNonce: wrongNonce ?? nonce, errorDetail: { code: 3, message: reason, details: [] } }),
    [Symbol.dispose]: () => stream.close(),
  };
};

/** The kinds in the order of their first coming. */
export const firstComing = (order: readonly Kind[]): Kind[] => [...new Set(order)].filter((kind) => KINDS.includes(kind));
