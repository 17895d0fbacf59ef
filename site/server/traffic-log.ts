/** The last exchanges of the mesh, and the figures made from them: what graph, tape and header show. */
import type { Exchange } from '#api/exchange.ts';
import type { LiveMesh } from './live-mesh.ts';

/** Requests of the conformance suite: they are left out of everything a learner sees. */
const PROBE_USER_AGENT = 'dinghy-probe';
const KEPT = 4_000;
const WINDOW_MS = 10_000;

/** An exchange with its place in the log and who answered. */
export interface LoggedExchange extends Exchange {
  readonly seq: number;
  /** Workload that the upstream host belongs to; empty when the mesh itself answered. */
  readonly to: string;
}

/** One edge of the graph over the last ten seconds. */
export interface EdgeFigures {
  readonly from: string;
  readonly to: string;
  /** Requests a second. */
  readonly rate: number;
  /** 0…1 of answers below 500. */
  readonly success: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** The header's figures and the graph's edges. */
export interface Figures {
  readonly atMs: number;
  readonly windowMs: number;
  readonly rate: number;
  readonly p99Ms: number;
  readonly edges: readonly EdgeFigures[];
}

interface Stamped {
  readonly atMs: number;
  readonly exchange: LoggedExchange;
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

const round = (value: number): number => Math.round(value * 10) / 10;

const hostOf = (address: string): string => address.slice(0, Math.max(0, address.lastIndexOf(':')));

/** The service that a call was for, when no host was chosen: from the cluster's name, else from the authority. */
const serviceOf = (exchange: Exchange): string => {
  const host = exchange.cluster.split('|')[3] ?? exchange.authority.split(':')[0] ?? '';
  return host.split('.')[0] ?? '';
};

/** A service with one workload is that workload; one with several stays a name of its own. */
const onlyWorkloads = (mesh: LiveMesh): ReadonlyMap<string, string> => {
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

  constructor(mesh: LiveMesh, now: () => number) {
    this.#now = now;
    this.#startedAtMs = now();
    this.#byAddress = new Map(mesh.workloads.map((workload) => [workload.address, workload.name]));
    this.#byService = onlyWorkloads(mesh);
    this.#unsubscribe = mesh.exchanges.subscribe((exchange) => this.#add(exchange));
  }

  #add(exchange: Exchange): void {
    if (exchange.userAgent === PROBE_USER_AGENT) return;
    const to = this.#answeredBy(exchange);
    const logged = { ...exchange, seq: ++this.#seq, to };
    this.#ring.push({ atMs: this.#now(), exchange: logged });
    if (this.#ring.length > KEPT * 1.25) this.#ring = this.#ring.slice(-KEPT);
    for (const listener of this.#listeners) listener(logged);
  }

  #answeredBy(exchange: Exchange): string {
    if (exchange.side === 'inbound') return exchange.reporter;
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

  /** The last requests of one edge, newest first. */
  edge(from: string, to: string, limit: number): readonly LoggedExchange[] {
    return this.#ring
      .map(({ exchange }) => exchange)
      .filter((exchange) => exchange.side !== 'inbound' && exchange.reporter === from && exchange.to === to)
      .slice(-limit)
      .reverse();
  }

  /** Figures of the last ten seconds. */
  figures(): Figures {
    const atMs = this.#now();
    const windowMs = Math.min(WINDOW_MS, Math.max(1_000, atMs - this.#startedAtMs));
    const edges = new Map<string, LoggedExchange[]>();
    const entered: number[] = [];
    for (const { exchange, atMs: cameAtMs } of this.#ring) {
      if (cameAtMs < atMs - windowMs || exchange.side === 'inbound') continue;
      const key = `${exchange.reporter} ${exchange.to}`;
      const list = edges.get(key);
      if (list === undefined) edges.set(key, [exchange]);
      else list.push(exchange);
      if (exchange.side === 'gateway') entered.push(exchange.durationMs);
    }
    const all = [...edges.values()].flat().map((exchange) => exchange.durationMs);
    return {
      atMs,
      windowMs,
      rate: round((all.length * 1_000) / windowMs),
      p99Ms: round(
        quantile(
          (entered.length > 0 ? entered : all).sort((a, b) => a - b),
          0.99,
        ),
      ),
      edges: [...edges.entries()].map(([key, list]) => edgeFigures(key, list, windowMs)),
    };
  }

  close(): void {
    this.#unsubscribe();
    this.#listeners.clear();
  }
}

const edgeFigures = (key: string, list: readonly LoggedExchange[], windowMs: number): EdgeFigures => {
  const [from = '', to = ''] = key.split(' ');
  const durations = list.map((exchange) => exchange.durationMs).sort((a, b) => a - b);
  const good = list.filter((exchange) => exchange.status > 0 && exchange.status < 500).length;
  return {
    from,
    to,
    rate: round((list.length * 1_000) / windowMs),
    success: good / list.length,
    p50Ms: round(quantile(durations, 0.5)),
    p99Ms: round(quantile(durations, 0.99)),
  };
};
