/** The tape: the last requests, newest first, one line each. It is how people find "my request". */

import { signal } from '@preact/signals';
import { ownIds, skipped, tape } from '../live/store.ts';
import type { LoggedExchange } from '../live/types.ts';
import { flagWords, milliseconds, timeOf, toneOf } from '../live/words.ts';
import { ScrollRegion } from './scroll-region.tsx';
import { WorkloadName } from './version.tsx';
import { openRequest } from './x-ray.tsx';

const SHOWN = 40;
const held = signal<readonly LoggedExchange[] | undefined>(undefined);
const onlyMine = signal(false);
const open = signal(true);

/** No request, so there is nothing to open. */
const RefusedLine = ({ exchange }: { exchange: LoggedExchange }) => (
  <li>
    <div class="tape-line">
      <span class="mono muted">{timeOf(exchange.startedAt)}</span>
      <span class="who">
        <span class="mono">{exchange.downstreamRemote.replace(/:\d+$/, '')}</span> <span aria-hidden="true">→</span>
        <span class="hidden-text">to</span> <WorkloadName name={exchange.reporter} />
      </span>
      <span class="mono path">connection</span>
      <span class="chip mesh">refused</span>
      <span class="number" />
      <span class="muted why">{exchange.refused}</span>
    </div>
  </li>
);

/** One line, which opens the request. */
export const TapeLine = ({ exchange }: { exchange: LoggedExchange }) => {
  const own = ownIds.value.has(exchange.requestId);
  const rule =
    exchange.ruleResource === '' ? '' : `by ${exchange.ruleResource.split('/').at(-1)} ${exchange.ruleField.replace(/^spec\./, '')}`;
  const why = flagWords(exchange.flags) || rule;
  return (
    <li>
      <button type="button" class={`tape-line${own ? ' own' : ''}`} onClick={() => openRequest(exchange.requestId)}>
        <span class="mono muted">{timeOf(exchange.startedAt)}</span>
        <span class="who">
          <WorkloadName name={exchange.reporter} /> <span aria-hidden="true">→</span>
          <span class="hidden-text">to</span> <WorkloadName name={exchange.to} />
        </span>
        <span class="mono path">
          {exchange.method} {exchange.path}
        </span>
        <span class={`chip ${toneOf(exchange)}`}>{exchange.status || 'no answer'}</span>
        <span class="number">{milliseconds(exchange.durationMs)}</span>
        <span class="muted why">
          {own ? <b class="mine">yours</b> : null} {why}
        </span>
      </button>
    </li>
  );
};

/** The strip at the bottom of every page. */
export const Tape = () => {
  const all = held.value ?? tape.value;
  const lines = (onlyMine.value ? all.filter((exchange) => ownIds.value.has(exchange.requestId)) : all).slice(0, SHOWN);
  return (
    <section class={`tape${open.value ? '' : ' shut'}`} aria-label="Last requests">
      <div class="tape-head">
        <button type="button" class="button quiet" aria-expanded={open.value} onClick={() => (open.value = !open.value)}>
          {open.value ? '▾' : '▸'} Last requests
        </button>
        <span class="row small muted">
          {skipped.value > 0 ? <span>{skipped.value} left out, as they came too fast to show</span> : null}
          <label class="row">
            <input type="checkbox" checked={onlyMine.value} onChange={(event) => (onlyMine.value = event.currentTarget.checked)} />
            only mine
          </label>
          <button
            type="button"
            class="button quiet"
            aria-pressed={held.value !== undefined}
            onClick={() => (held.value = held.value === undefined ? tape.value : undefined)}
          >
            {held.value === undefined ? 'Hold' : 'Follow'}
          </button>
        </span>
      </div>
      {open.value ? (
        <ScrollRegion class="tape-body" label="Requests, newest first">
          {lines.length === 0 ? (
            <p class="empty small">
              {onlyMine.value
                ? 'You have sent no request yet: a lab’s Send button does.'
                : 'No request yet. Start the load on the Mesh page, or send one in a lab.'}
            </p>
          ) : (
            <ol class="tape-lines">
              {lines.map((exchange) =>
                exchange.refused === undefined ? (
                  <TapeLine key={exchange.seq} exchange={exchange} />
                ) : (
                  <RefusedLine key={exchange.seq} exchange={exchange} />
                ),
              )}
            </ol>
          )}
        </ScrollRegion>
      ) : null}
    </section>
  );
};
