/** Front door: the last exchanges of a mesh, joined to requests and edges, and the figures made from them. */
import type { Exchange } from '#api/exchange.ts';
import { parseClusterName } from '#api/names.ts';
import { figuresOf, isCall, isRefusal, type LoggedExchange, type Rates } from './figures.ts';

export { callFacts } from './call-facts.ts';
export type { EdgeFigures, LoggedExchange } from './figures.ts';

/** The header's figures and the graph's edges. */
export interface Figures extends Rates {
  readonly atMs: number;
  readonly windowMs: number;
}

/** Whose exchanges are kept. */
export interface WatchedMesh {
  readonly workloads: readonly { readonly name: string; readonly address: string }[];
  readonly exchanges: { subscribe(listener: (exchange: Exchange) => void): () => void };
}

/** Requests of the conformance suite: they are left out of everything a learner sees. */
const PROBE_USER_AGENT = 'dinghy-probe';
const KEPT = 4_000;
const WINDOW_MS = 10_000;

interface Stamped {
  readonly atMs: number;
  readonly exchange: LoggedExchange;
}

const hostOf = (address: string): string => address.slice(0, Math.max(0, address.lastIndexOf(':')));

/** The service that a call was for, when no host was chosen: from the cluster's name, else from the authority. */
const serviceOf = (exchange: Exchange): string => {
  const host = parseClusterName(exchange.cluster)?.host ?? exchange.authority.split(':')[0] ?? '';
  return host.split('.')[0] ?? '';
};

/** A service with one workload is that workload; one with several stays a name of its own. */
const onlyWorkloads = (mesh: WatchedMesh): ReadonlyMap<string, string> => {
  const groups = Map.groupBy(mesh.workloads, ({ name }) => name.replace(/-v\d+$/, ''));
  return new Map(
    [...groups].flatMap(([service, [first, second]]) => (first !== undefined && second === undefined ? [[service, first.name]] : [])),
  );
};

/** Living state: a ring of exchanges, with listeners. */
export class TrafficLog {
  readonly #byAddress: ReadonlyMap<string, string>;
  readonly #byService: ReadonlyMap<string, string>;
  readonly #listeners = new Set<(exchange: LoggedExchange) => void>();
  readonly #unsubscribe: () => void;
  readonly #now: () => number;
  readonly #startedAtMs: number;
  #ring: Stamped[] = [];
  #seq = 0;

  constructor(mesh: WatchedMesh, now: () => number) {
    this.#now = now;
    this.#startedAtMs = now();
    this.#byAddress = new Map(mesh.workloads.map((workload) => [workload.address, workload.name]));
    this.#byService = onlyWorkloads(mesh);
    this.#unsubscribe = mesh.exchanges.subscribe((exchange) => this.#add(exchange));
  }

  #add(exchange: Exchange): void {
    if (exchange.userAgent.startsWith(PROBE_USER_AGENT)) return;
    const to = this.#answeredBy(exchange);
    const seq = ++this.#seq;
    const requestId = exchange.requestId === '' && exchange.refused !== undefined ? `connection-${seq}` : exchange.requestId;
    const logged = { ...exchange, requestId, seq, to };
    this.#ring.push({ atMs: this.#now(), exchange: logged });
    if (this.#ring.length > KEPT * 1.25) this.#ring = this.#ring.slice(-KEPT);
    for (const listener of this.#listeners) listener(logged);
  }

  #answeredBy(exchange: Exchange): string {
    if (exchange.side === 'inbound' || exchange.refused !== undefined) return exchange.reporter;
    const service = serviceOf(exchange);
    return this.#byAddress.get(hostOf(exchange.upstreamHost)) ?? this.#byService.get(service) ?? service;
  }

  /** Calls back for each further exchange; gives the way to stop that. */
  subscribe(listener: (exchange: LoggedExchange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Exchanges after that place, at most the last `limit`. */
  since(seq: number, limit: number): readonly LoggedExchange[] {
    return this.#ring
      .filter(({ exchange }) => exchange.seq > seq)
      .slice(-limit)
      .map(({ exchange }) => exchange);
  }

  /** Everything that both proxies of every hop told of one request, in the order in which it began. */
  request(requestId: string): readonly LoggedExchange[] {
    return this.#ring
      .map(({ exchange }) => exchange)
      .filter((exchange) => exchange.requestId === requestId)
      .sort((a, b) => a.startedAt.localeCompare(b.startedAt) || b.durationMs - a.durationMs);
  }

  /** What was refused lately, by whoever refused it, newest first. A refused connection has a name instead of a request's id. */
  refusals(limit: number): readonly LoggedExchange[] {
    return this.#ring
      .map(({ exchange }) => exchange)
      .filter(isRefusal)
      .slice(-limit)
      .reverse();
  }

  /** The last requests of one edge, newest first. */
  edge(from: string, to: string, limit: number): readonly LoggedExchange[] {
    return this.#ring
      .map(({ exchange }) => exchange)
      .filter((exchange) => isCall(exchange) && exchange.reporter === from && exchange.to === to)
      .slice(-limit)
      .reverse();
  }

  /** Figures of the last ten seconds, less when the log is younger. */
  figures(): Figures {
    const atMs = this.#now();
    const windowMs = Math.min(WINDOW_MS, Math.max(1_000, atMs - this.#startedAtMs));
    const recent = this.#ring.filter(({ atMs: cameAtMs }) => cameAtMs >= atMs - windowMs).map(({ exchange }) => exchange);
    return { atMs, windowMs, ...figuresOf(recent, windowMs) };
  }

  close(): void {
    this.#unsubscribe();
    this.#listeners.clear();
  }
}
