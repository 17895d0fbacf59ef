/** Exchanges → rates, success and latencies, of all and by edge. Pure. */
import type { Exchange } from '#api/exchange.ts';

/** An exchange with its place in the log and who answered. */
export interface LoggedExchange extends Exchange {
  readonly seq: number;
  /** Workload that the upstream host belongs to; empty when the mesh itself answered. */
  readonly to: string;
}

/** One edge of the graph over the window. */
export interface EdgeFigures {
  readonly from: string;
  readonly to: string;
  /** Requests a second. */
  readonly rate: number;
  /** 0…1 of answers below 500. */
  readonly success: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** 0…1 of the calls that reached a host: how many did so under mutual TLS. Absent when none reached one. */
  readonly mutual?: number;
}

/** Figures of everything and of each edge. */
export interface Rates {
  /** Calls a second, each counted once. */
  readonly rate: number;
  /** Of what entered at gateways; of every call when nothing did. */
  readonly p99Ms: number;
  readonly edges: readonly EdgeFigures[];
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

const round = (value: number): number => Math.round(value * 10) / 10;

const durationsOf = (exchanges: readonly LoggedExchange[]): number[] => exchanges.map(({ durationMs }) => durationMs).sort((a, b) => a - b);

/** Only the caller's side of a call counts: its inbound twin is the same call. A refused connection is none. */
export const isCall = ({ side, refused }: Exchange): boolean => side !== 'inbound' && refused === undefined;

/** Refused by policy, token or authorizer, or before anything was asked. */
export const isRefusal = ({ side, refused, details }: Exchange): boolean =>
  refused !== undefined || (side !== 'outbound' && /^(?:rbac_access_denied|jwt_authn_access_denied|ext_authz_)/.test(details));

/** Calls only. */
export const figuresOf = (exchanges: readonly LoggedExchange[], windowMs: number): Rates => {
  const calls = exchanges.filter(isCall);
  const entered = calls.filter(({ side }) => side === 'gateway');
  const edges = Map.groupBy(calls, ({ reporter, to }) => `${reporter} ${to}`);
  return {
    rate: round((calls.length * 1_000) / windowMs),
    p99Ms: round(quantile(durationsOf(entered.length > 0 ? entered : calls), 0.99)),
    edges: [...edges].map(([key, list]) => edgeFigures(key, list, windowMs)),
  };
};

const edgeFigures = (key: string, list: readonly LoggedExchange[], windowMs: number): EdgeFigures => {
  const [from = '', to = ''] = key.split(' ');
  const durations = durationsOf(list);
  const reached = list.filter(({ upstreamHost }) => upstreamHost !== '');
  const mutual = reached.filter(({ security }) => security === 'mutual_tls').length;
  const good = list.filter((exchange) => exchange.status > 0 && exchange.status < 500).length;
  return {
    from,
    to,
    rate: round((list.length * 1_000) / windowMs),
    success: good / list.length,
    p50Ms: round(quantile(durations, 0.5)),
    p99Ms: round(quantile(durations, 0.99)),
    ...(reached.length > 0 && { mutual: mutual / reached.length }),
  };
};
