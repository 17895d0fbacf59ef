/** What happened to one request: each hop as both proxies tell it, in words, on one time line. */
import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { get, wordsOf } from '../live/api.ts';
import { ownIds } from '../live/store.ts';
import type { LoggedExchange } from '../live/types.ts';
import { flagWords, milliseconds, sentenceOf, timeOf, toneOf } from '../live/words.ts';
import { Verdicts } from './verdict.tsx';
import { WorkloadName } from './version.tsx';
import { Why } from './why.tsx';

const opened = signal('');
const records = signal<readonly LoggedExchange[]>([]);
const failure = signal('');

const setQuery = (id: string): void => {
  const url = new URL(location.href);
  if (id === '') url.searchParams.delete('request');
  else url.searchParams.set('request', id);
  history.replaceState(null, '', url);
};

/** Opens the panel; the request's id becomes part of the page's address. */
export const openRequest = (id: string): void => {
  opened.value = id;
  records.value = [];
  failure.value = '';
  setQuery(id);
  get<LoggedExchange[]>(`/requests/${encodeURIComponent(id)}`).then(
    (list) => {
      records.value = list;
    },
    (error) => {
      failure.value = wordsOf(error);
    },
  );
};

const close = (): void => {
  opened.value = '';
  setQuery('');
};

/** Opens what the page's address names, if anything. */
export const openRequestFromAddress = (): void => {
  const id = new URL(location.href).searchParams.get('request');
  if (id !== null) openRequest(id);
};

/** One call as both proxies tell it. */
export interface Hop {
  readonly caller: LoggedExchange;
  readonly callee: LoggedExchange | undefined;
}

/** Pairs a caller's record with the callee's by the connection between the two proxies, else by path and place. */
export const hopsOf = (list: readonly LoggedExchange[]): readonly Hop[] => {
  const inbound = list.filter((exchange) => exchange.side === 'inbound');
  const used = new Set<number>();
  return list
    .filter((exchange) => exchange.side !== 'inbound')
    .map((caller) => {
      const free = inbound.filter((exchange) => !used.has(exchange.seq) && exchange.reporter === caller.to);
      const callee =
        free.find((exchange) => exchange.downstreamRemote === caller.upstreamLocal) ??
        free.find((exchange) => exchange.path === caller.path);
      if (callee !== undefined) used.add(callee.seq);
      return { caller, callee };
    });
};

const Bar = ({ exchange, start, span, kind }: { exchange: LoggedExchange; start: number; span: number; kind: string }) => (
  <span class="bar-track" aria-hidden="true">
    <span
      class={`bar ${kind} ${toneOf(exchange)}`}
      style={{
        left: `${((Date.parse(exchange.startedAt) - start) / span) * 100}%`,
        width: `${Math.max(0.8, (exchange.durationMs / span) * 100)}%`,
      }}
    />
  </span>
);

const Detail = ({ label, value }: { label: string; value: string }) =>
  value === '' || value === '-' ? null : (
    <div class="fact">
      <dt>{label}</dt>
      <dd class="mono">{value}</dd>
    </div>
  );

/** A policy, a token or an authorizer said no. */
const isRefusal = ({ side, details }: LoggedExchange): boolean => side !== 'outbound' && /^(?:rbac_|jwt_authn_|ext_authz_)/.test(details);

const HopView = ({ hop, start, span }: { hop: Hop; start: number; span: number }) => {
  const { caller, callee } = hop;
  const between = callee === undefined ? undefined : caller.durationMs - callee.durationMs;
  return (
    <li class="hop">
      <div class="row spread">
        <h3>
          <WorkloadName name={caller.reporter} /> → <WorkloadName name={caller.to} />
        </h3>
        <span class={`chip ${toneOf(caller)}`}>{caller.status || 'no answer'}</span>
      </div>
      <p class="small">
        <b class="mono">
          {caller.method} {caller.path}
        </b>
        . {sentenceOf(caller)}
      </p>
      <div class="bars">
        <span class="small muted">{caller.side === 'gateway' ? 'gateway' : 'caller’s proxy'}</span>
        <Bar exchange={caller} start={start} span={span} kind="outer" />
        <span class="small number">{milliseconds(caller.durationMs)}</span>
        {callee === undefined ? null : (
          <>
            <span class="small muted">callee’s proxy</span>
            <Bar exchange={callee} start={start} span={span} kind="inner" />
            <span class="small number">{milliseconds(callee.durationMs)}</span>
          </>
        )}
      </div>
      <p class="small muted">
        {callee === undefined
          ? caller.upstreamHost === ''
            ? 'No callee was reached.'
            : 'The callee’s proxy has told nothing of it.'
          : `${milliseconds(callee.durationMs)} at the callee (its proxy and program), ${milliseconds(Math.max(0, between ?? 0))} before and after it. Proxies tell whole milliseconds.`}
      </p>
      <Why exchange={caller} />
      {isRefusal(callee ?? caller) ? <Verdicts requestId={caller.requestId} only={(callee ?? caller).reporter} /> : null}
      <dl class="facts small">
        <Detail label="route" value={caller.route} />
        <Detail label="cluster" value={caller.cluster} />
        <Detail label="host chosen" value={caller.upstreamHost} />
        <Detail label="flags" value={caller.flags === '-' ? '' : `${caller.flags} (${flagWords(caller.flags)})`} />
        <Detail label="details" value={caller.details} />
        <Detail
          label="connection"
          value={callee === undefined || caller.upstreamLocal === '' ? '' : `${caller.upstreamLocal} → ${callee.downstreamLocal}`}
        />
      </dl>
    </li>
  );
};

/** The panel; nothing while no request is chosen. */
export const XRay = () => {
  const panel = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (opened.value !== '') panel.current?.focus();
  }, [opened.value]);
  if (opened.value === '') return null;
  const list = records.value;
  const start = Math.min(...list.map((exchange) => Date.parse(exchange.startedAt)));
  const end = Math.max(...list.map((exchange) => Date.parse(exchange.startedAt) + exchange.durationMs));
  const hops = hopsOf(list);
  return (
    <aside class="x-ray arriving" aria-label="Request" tabIndex={-1} ref={panel} onKeyDown={(event) => event.key === 'Escape' && close()}>
      <div class="row spread">
        <h2>One request, {hops.length === 1 ? 'one hop' : `${hops.length} hops`}</h2>
        <button type="button" class="button quiet" onClick={close}>
          Close
        </button>
      </div>
      <p class="small muted">
        <code>{opened.value}</code> {list[0] === undefined ? null : `at ${timeOf(list[0].startedAt)}`}
        {ownIds.value.has(opened.value) ? <b class="mine"> yours</b> : null}
      </p>
      {failure.value === '' ? null : <p class="notice bad">{failure.value}</p>}
      {list.length === 0 && failure.value === '' ? (
        <p class="muted">The proxies have kept nothing of this request: only the last few thousand are remembered.</p>
      ) : null}
      <ol class="hops">
        {hops.map((hop) => (
          <HopView key={hop.caller.seq} hop={hop} start={start} span={Math.max(1, end - start)} />
        ))}
      </ol>
    </aside>
  );
};
