/** Tries and held requests as text for a terminal. */
import { countTries, sentTries, serviceOf } from '#labs';
import type { HeldView, OutliersView, TriedCall } from './lab-site.ts';
import { table } from './output.ts';

const ms = (value: number | undefined): string => (value === undefined ? '-' : `${Math.round(value * 10) / 10} ms`);

const edgeOf = ({ reporter, to }: TriedCall): string => `${serviceOf(reporter)} -> ${serviceOf(to)}`;

/** How often each layer was called, how often it was tried, and the tries of the first request. */
export const triesWords = (told: readonly TriedCall[], first: string): string => {
  const calls = told.filter(({ side }) => side !== 'inbound');
  const layers = [...Map.groupBy(calls, edgeOf)].map(([edge, list]) => {
    const tries = list.reduce((sum, call) => sum + sentTries(call), 0);
    return [edge, String(list.length), String(tries), `x${Math.round((tries / list.length) * 10) / 10}`];
  });
  const rows = calls
    .filter(({ requestId }) => requestId === first)
    .flatMap((call) =>
      call.attemptLog.map((tried, index) => [
        edgeOf(call),
        String(index + 1),
        ms(tried.waited),
        ms(tried.start),
        ms(tried.failed ?? tried.head),
        tried.status === undefined ? (tried.flag ?? '-') : String(tried.status),
      ]),
    );
  const reached = Object.entries(countTries(told)).map(([service, count]) => `${service}: ${count}`);
  return [
    table(['LAYER', 'CALLS', 'TRIES', 'FACTOR'], layers),
    '',
    table(['CALL', 'TRY', 'PAUSE BEFORE', 'BEGAN AFTER', 'TOOK', 'END'], rows),
    '',
    `Requests that reached  ${reached.join(', ')}`,
  ].join('\n');
};

const ofLimit = ({ used, limit }: { readonly used: number; readonly limit?: number }): string => `${used} of ${limit ?? 'no limit'}`;

/** The breakers, and where each request is. Many that fare alike are one row. */
export const heldWords = ({ requests, breakers }: HeldView): string => {
  const fate = ({ answer }: HeldView['requests'][number]): string =>
    answer === undefined ? 'under way' : `${answer.status} ${answer.flags === '-' ? '' : answer.flags}`.trim();
  const fates = Map.groupBy(requests, (one) => `${one.from} ${fate(one)}`);
  return [
    table(
      ['PROXY OF', 'REQUESTS', 'CONNECTIONS', 'WAITING'],
      breakers.map(({ from, requests: active, connections, pending }) => [from, ofLimit(active), ofLimit(connections), ofLimit(pending)]),
    ),
    '',
    table(
      ['SENT BY', 'FATE', 'REQUESTS'],
      [...fates.values()].map((list) => [list[0]?.from ?? '', list[0] === undefined ? '' : fate(list[0]), String(list.length)]),
    ),
  ].join('\n');
};

/** Each host with its strikes, and for how long it is out. */
export const outlierWords = ({ nowMs, clusters }: OutliersView): string =>
  table(
    ['HOST', 'STRIKES', 'EJECTIONS', 'OUT FOR'],
    (clusters[0]?.hosts ?? []).map(({ workload, consecutive5xx: { now, needed }, ejections, ejected }) => [
      workload,
      `${now} of ${needed}`,
      String(ejections),
      ejected === undefined ? '-' : `${Math.max(0, Math.ceil((ejected.returnsMs - nowMs) / 1_000))} s`,
    ]),
  );
