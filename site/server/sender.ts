/** Sends requests as a program of the mesh would, into a sidecar with the capture's PROXY line in front; to a gateway from outside; or as a stranger without any sidecar. */
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import type { ControlPlaneClient } from '#environment';
import type { LoggedExchange, TrafficLog } from '#observability';
import type { LiveMesh } from './live-mesh.ts';
import type { SentAnswer } from './told.ts';

/** Requests from the page carry this user-agent, so that they can be marked as the learner's own. */
export const OWN_USER_AGENT = 'dinghy-send';
const OUTBOUND_PORT = 15001;
const MAX_COUNT = 500;
const AT_ONCE = 8;
const TIMEOUT_MS = 15_000;
const RECORD_WAIT_MS = 5_000;
const MAX_BODY_BYTES = 4_096;
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'];

/** What to send. */
export interface SendOrder {
  /** Workload whose sidecar takes the request, `gateway`, or `outside`: plain text, straight to the workload that the URL names. */
  readonly from: string;
  readonly method: string;
  /** `http://reviews:9080/reviews/0`; through the gateway the path is enough. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly count: number;
}

/** A refused order, in words for the person who gave it. */
export class OrderError extends Error {}

interface Target {
  readonly address: string;
  readonly port: number;
  readonly preface: (sourcePort: number) => string;
  readonly source: string;
  /** Whose record tells of it. */
  readonly side: 'caller' | 'callee';
  readonly host: string;
  readonly path: string;
}

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/i;

const checkOrder = (order: SendOrder): void => {
  if (!METHODS.includes(order.method)) throw new OrderError(`Method ${order.method} is not one of ${METHODS.join(', ')}.`);
  if (!Number.isInteger(order.count) || order.count < 1 || order.count > MAX_COUNT)
    throw new OrderError(`Send between 1 and ${MAX_COUNT} requests.`);
  for (const [name, value] of Object.entries(order.headers)) {
    if (!HEADER_NAME.test(name)) throw new OrderError(`“${name}” is not a header name.`);
    if (!/^[\t\x20-\x7e]*$/.test(value)) throw new OrderError(`The value of ${name} must be printable ASCII.`);
    if (['host', 'connection', 'transfer-encoding', 'content-length'].includes(name.toLowerCase()))
      throw new OrderError(`${name} is set by the sender itself.`);
  }
};

const parseUrl = (text: string, base?: string): URL => {
  const url = URL.canParse(text, base) ? new URL(text, base) : undefined;
  if (url === undefined || url.protocol !== 'http:') throw new OrderError(`“${text}” is not an http:// address.`);
  return url;
};

/** Only services that the mesh knows: this server fetches nothing else for anybody. */
const vipOf = (vips: Readonly<Record<string, string>>, host: string, namespace: string): string => {
  const names = [host, `${host}.${namespace}.svc.cluster.local`, `${host}.svc.cluster.local`, `${host}.cluster.local`];
  const found = names.map((name) => vips[name]).find((vip) => vip !== undefined);
  if (found !== undefined) return found;
  const known = Object.keys(vips).map((name) => name.split('.')[0]);
  throw new OrderError(`The mesh has no service called ${host}. It has ${known.join(', ')}.`);
};

/** Living state: which source ports were used. */
export class Sender {
  readonly #mesh: LiveMesh;
  readonly #controlPlane: ControlPlaneClient;
  readonly #log: TrafficLog;
  #sourcePort = 20_000;

  constructor(mesh: LiveMesh, controlPlane: ControlPlaneClient, log: TrafficLog) {
    this.#mesh = mesh;
    this.#controlPlane = controlPlane;
    this.#log = log;
  }

  /** Sends them, a few at once, and waits a moment for the records that say who answered. patienceMs: how long an answer may take. */
  async send(order: SendOrder, patienceMs = TIMEOUT_MS): Promise<readonly SentAnswer[]> {
    checkOrder(order);
    const target = await this.#target(order);
    const answers: SentAnswer[] = new Array(order.count);
    let next = 0;
    const lane = async () => {
      for (let i = next++; i < order.count; i = next++) answers[i] = await this.#one(order, target, patienceMs);
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, order.count) }, lane));
    return answers;
  }

  async #target(order: SendOrder): Promise<Target> {
    if (order.from === 'gateway') {
      const gateway = this.#mesh.gateways[0];
      if (gateway === undefined) throw new OrderError('This mesh has no gateway.');
      const base = new URL(gateway.url);
      const url = parseUrl(order.url, gateway.url);
      if (url.host !== base.host) throw new OrderError(`Through the gateway a path is enough: /productpage.`);
      const port = Number(base.port || '80');
      return {
        address: base.hostname,
        port,
        preface: () => '',
        source: '',
        side: 'caller',
        host: base.host,
        path: url.pathname + url.search,
      };
    }
    if (order.from === 'outside') return outsideTarget(this.#mesh, parseUrl(order.url));
    const workload = this.#mesh.workloads.find((candidate) => candidate.name === order.from);
    if (workload === undefined) throw new OrderError(`There is no workload called ${order.from}.`);
    const url = parseUrl(order.url);
    const vip = vipOf(await this.#controlPlane.vips(), url.hostname, workload.namespace);
    const port = url.port || '80';
    return {
      address: workload.address,
      port: OUTBOUND_PORT,
      preface: (sourcePort) => `PROXY TCP4 ${workload.address} ${vip} ${sourcePort} ${port}\r\n`,
      source: workload.address,
      side: 'caller',
      host: url.host,
      path: url.pathname + url.search,
    };
  }

  async #one(order: SendOrder, target: Target, patienceMs: number): Promise<SentAnswer> {
    this.#sourcePort = this.#sourcePort >= 59_999 ? 20_000 : this.#sourcePort + 1;
    let from = `${target.source}:${this.#sourcePort}`;
    const preface = target.preface(this.#sourcePort);
    const startedAtMs = performance.now();
    const answered = exchangeOnce({ order, target, preface, patienceMs }, (local) => {
      if (target.source === '') from = local;
    });
    // Of a refused connection no request was read: there the address alone says whose it was.
    const isOurs = ({ userAgent, refused, downstreamRemote }: LoggedExchange) =>
      downstreamRemote === from && (userAgent === OWN_USER_AGENT || refused !== undefined);
    const record = this.#awaitRecord(target.side, isOurs, answered);
    const reply = await answered;
    const durationMs = Math.round((performance.now() - startedAtMs) * 10) / 10;
    const told = await record;
    return {
      ...reply,
      durationMs,
      requestId: told?.requestId ?? '',
      // A host that was tried and never answered served nothing: the mesh itself spoke.
      servedBy: told?.details !== 'via_upstream' ? '' : target.side === 'callee' ? told.reporter : told.to,
      flags: told?.flags ?? '',
      ...(told !== undefined && target.side === 'callee'
        ? { seenAs: { peer: told.downstreamPeer, tls: told.downstreamTls, refused: told.refused ?? '' } }
        : {}),
    };
  }

  #awaitRecord(
    side: Target['side'],
    matches: (exchange: LoggedExchange) => boolean,
    answered: Promise<unknown>,
  ): Promise<LoggedExchange | undefined> {
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const stop = this.#log.subscribe((exchange) => {
        if ((exchange.side === 'inbound') === (side === 'callee') && matches(exchange)) finish(exchange);
      });
      void answered.then(() => {
        timer = setTimeout(() => finish(undefined), RECORD_WAIT_MS);
      });
      const finish = (exchange: LoggedExchange | undefined) => {
        clearTimeout(timer);
        stop();
        resolve(exchange);
      };
    });
  }
}

const outsideTarget = ({ workloads }: LiveMesh, url: URL): Target => {
  const workload = workloads.find(({ name }) => name === url.hostname);
  if (workload === undefined)
    throw new OrderError(`From outside a workload is called by its own name: ${workloads.map(({ name }) => name).join(', ')}.`);
  const port = Number(url.port || '80');
  return {
    address: workload.address,
    port,
    preface: () => '',
    source: '',
    side: 'callee',
    host: url.host,
    path: url.pathname + url.search,
  };
};

interface Shot {
  readonly order: SendOrder;
  readonly target: Target;
  readonly preface: string;
  readonly patienceMs: number;
}

const exchangeOnce = (
  { order, target, preface, patienceMs }: Shot,
  onLocal: (address: string) => void,
): Promise<{ status: number; body: string; error: string }> =>
  new Promise((resolve) => {
    const socket = connect({ host: target.address, port: target.port });
    socket.once('connect', () => onLocal(`${socket.localAddress}:${socket.localPort}`));
    if (preface !== '') socket.write(preface);
    const request = httpRequest({
      createConnection: () => socket,
      method: order.method,
      path: target.path,
      headers: { ...order.headers, host: target.host, 'user-agent': OWN_USER_AGENT, connection: 'close' },
      timeout: patienceMs,
    });
    const fail = (error: Error) => resolve({ status: 0, body: '', error: error.message });
    request.once('error', fail);
    request.once('timeout', () => request.destroy(new Error(`no answer within ${patienceMs / 1_000} s`)));
    request.once('response', (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        if (body.length < MAX_BODY_BYTES) body += chunk.slice(0, MAX_BODY_BYTES);
      });
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body, error: '' }));
      response.once('error', fail);
    });
    request.end();
  });
