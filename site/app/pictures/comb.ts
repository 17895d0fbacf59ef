/** Tries of a request as combs: for each pair of services a row, in it every call with its tries. Pure. */
import type { AttemptLogEntry } from '#api/exchange.ts';
import { sentTries, serviceOf } from '#labs';
import type { LoggedExchange, RuleLimits, ToldWays } from '../live/types.ts';

/** One try. Times in milliseconds since the request began. */
export interface Tooth {
  readonly number: number;
  /** Workload, else address; empty when nothing was sent. */
  readonly host: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Pause before it; 0 of the first. */
  readonly waitedMs: number;
  /** How long it was allowed to take; undefined = no such limit. */
  readonly limitMs: number | undefined;
  /** 0 when no answer came. */
  readonly status: number;
  readonly flag: string;
  readonly details: string;
  /** good: answered below 500; bad: an answer of 500 and above, or none; cut: the caller's proxy gave it up. */
  readonly end: 'good' | 'bad' | 'cut';
}

/** One call of one program to one service. */
export interface Comb {
  readonly seq: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** What the caller was told. */
  readonly status: number;
  readonly flags: string;
  /** Of the whole call; 0 = none. */
  readonly capMs: number;
  readonly teeth: readonly Tooth[];
}

/** All calls of one service to another. */
export interface CombRow {
  readonly from: string;
  readonly to: string;
  readonly combs: readonly Comb[];
}

/** By how much one layer multiplied. */
export interface Amplification {
  readonly from: string;
  readonly to: string;
  /** Requests that programs made. */
  readonly calls: number;
  /** Requests that left their proxies. */
  readonly tries: number;
}

const GIVEN_UP = ['upstream_per_try_timeout', 'response_timeout', 'upstream_response_timeout'];

const endOf = ({ status, details, flag }: AttemptLogEntry): Tooth['end'] => {
  if (flag === 'UT' || GIVEN_UP.includes(details ?? '')) return 'cut';
  return status !== undefined && status < 500 ? 'good' : 'bad';
};

/** workloadAt: whose an address is. */
export interface CombRoom {
  readonly workloadAt: (address: string) => string;
}

const toothOf = (
  entry: AttemptLogEntry,
  index: number,
  call: { readonly fromMs: number; readonly toMs: number },
  room: CombRoom,
): Tooth => {
  const fromMs = call.fromMs + (entry.start ?? 0);
  const lasted = entry.failed ?? entry.head;
  return {
    number: index + 1,
    host: entry.host === undefined ? '' : room.workloadAt(entry.host.slice(0, entry.host.lastIndexOf(':'))) || entry.host,
    fromMs,
    toMs: lasted === undefined ? Math.max(fromMs, call.toMs) : fromMs + lasted,
    waitedMs: entry.waited ?? 0,
    limitMs: entry.limit,
    status: entry.status ?? 0,
    flag: entry.flag ?? '',
    details: entry.details ?? '',
    end: endOf(entry),
  };
};

/** Where the proxy tells no times (an Envoy), its tries share the time of the call. */
const teethOf = (call: LoggedExchange, span: { readonly fromMs: number; readonly toMs: number }, room: CombRoom): readonly Tooth[] => {
  const log = call.attemptLog;
  if (log.some(({ start }) => start !== undefined)) return log.map((entry, index) => toothOf(entry, index, span, room));
  const count = Math.max(log.length, call.attempts);
  const each = (span.toMs - span.fromMs) / Math.max(1, count);
  return Array.from({ length: count }, (_, index) => {
    const isLast = index === count - 1;
    const entry = { ...log[index], start: each * index, head: each, status: isLast ? call.status : 503 };
    return toothOf(entry, index, span, room);
  });
};

const capOf = (call: LoggedExchange, limits: readonly RuleLimits[]): number =>
  limits.find(({ reporter, resource, field }) => reporter === call.reporter && resource === call.ruleResource && field === call.ruleField)
    ?.timeoutMs ?? 0;

const isCall = ({ side, refused }: LoggedExchange): boolean => side !== 'inbound' && refused === undefined;
const edgeOf = ({ reporter, to }: LoggedExchange): string => `${serviceOf(reporter)} ${serviceOf(to)}`;

/** The rows of one request, in the order in which its layers began; what lies beyond the last of them is in `spanMs`. */
export const combsOf = (
  { exchanges, limits }: ToldWays,
  requestId: string,
  room: CombRoom,
): { readonly rows: readonly CombRow[]; readonly spanMs: number } => {
  const calls = exchanges.filter((exchange) => exchange.requestId === requestId && isCall(exchange));
  const began = Math.min(...calls.map(({ startedAt }) => Date.parse(startedAt)));
  const combOf = (call: LoggedExchange): Comb => {
    const fromMs = Date.parse(call.startedAt) - began;
    const span = { fromMs, toMs: fromMs + call.durationMs };
    return { seq: call.seq, ...span, status: call.status, flags: call.flags, capMs: capOf(call, limits), teeth: teethOf(call, span, room) };
  };
  const rows = [...Map.groupBy(calls, edgeOf)].map(([edge, list]): CombRow => {
    const [from = '', to = ''] = edge.split(' ');
    return { from, to, combs: list.map(combOf).toSorted((a, b) => a.fromMs - b.fromMs) };
  });
  return {
    rows: rows.toSorted((a, b) => (a.combs[0]?.fromMs ?? 0) - (b.combs[0]?.fromMs ?? 0)),
    spanMs: Math.max(1, ...rows.flatMap(({ combs }) => combs.flatMap(({ toMs, teeth }) => [toMs, ...teeth.map((tooth) => tooth.toMs)]))),
  };
};

/** Of all requests that were told, edge by edge in the order of the first request's layers. */
export const amplificationOf = ({ exchanges }: Pick<ToldWays, 'exchanges'>): readonly Amplification[] => {
  const calls = exchanges.filter(isCall).toSorted((a, b) => a.startedAt.localeCompare(b.startedAt));
  return [...Map.groupBy(calls, edgeOf)].map(([edge, list]) => {
    const [from = '', to = ''] = edge.split(' ');
    return { from, to, calls: list.length, tries: list.reduce((sum, call) => sum + sentTries(call), 0) };
  });
};

/** `×4`, `×1.3`. */
export const factorWords = ({ calls, tries }: Pick<Amplification, 'calls' | 'tries'>): string =>
  `×${calls === 0 ? '–' : Math.round((tries / calls) * 10) / 10}`;
