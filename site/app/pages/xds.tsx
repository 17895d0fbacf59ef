/** Did the proxies take it? Per proxy and kind: what was sent, acknowledged, refused and why. */

import type { KindSync, ProxySync, SyncState, SyncStatus } from '#api/sync.ts';
import { ScrollRegion } from '../components/scroll-region.tsx';
import { WorkloadName } from '../components/version.tsx';
import { ChangeRound, roundWords } from '../editor/change-round.tsx';
import type { Change } from '../live/types.ts';
import { useFresh } from '../live/use-fresh.ts';
import { since, timeOf } from '../live/words.ts';

const TONES: Readonly<Record<SyncState, string>> = { SYNCED: 'good', STALE: 'warn', 'NOT SENT': '', ERROR: 'bad' };
const WORDS: Readonly<Record<SyncState, string>> = {
  SYNCED: 'the proxy acknowledged what was last sent',
  STALE: 'sent, and not acknowledged yet',
  'NOT SENT': 'the proxy did not ask for it, or there is nothing to send',
  ERROR: 'the proxy refused it and keeps what it had',
};
const KIND_ORDER = ['cds', 'eds', 'sds', 'lds', 'rds'];

const NAMES: Readonly<Record<string, string>> = { cds: 'clusters', eds: 'endpoints', sds: 'secrets', lds: 'listeners', rds: 'routes' };

/** Versions only where they differ: a column of the same number says nothing. */
const Cell = ({ kind }: { kind: KindSync & { state: SyncState } }) => (
  <td>
    <span class={`chip ${TONES[kind.state]}`} title={WORDS[kind.state]}>
      {kind.state}
    </span>
    <div class="small muted">
      {kind.state === 'NOT SENT' ? '' : `${kind.resources} resource${kind.resources === 1 ? '' : 's'}, version ${kind.acknowledged || '–'}`}
      {kind.state === 'NOT SENT' || kind.sent === kind.acknowledged ? '' : `, sent ${kind.sent}`}
    </div>
  </td>
);

const refusals = (proxy: ProxySync) =>
  Object.entries(proxy.kinds).flatMap(([kind, sync]) =>
    sync.refused === undefined || sync.state !== 'ERROR' ? [] : [{ kind, ...sync.refused }],
  );

const byOrder = (a: string, b: string): number => KIND_ORDER.indexOf(a) - KIND_ORDER.indexOf(b);

const ProxyRow = ({ proxy, version }: { proxy: ProxySync; version: number }) => (
  <tr>
    <th scope="row">
      <a href={`/?proxy=${encodeURIComponent(proxy.workload)}`}>
        <WorkloadName name={proxy.workload} />
      </a>
      <div class="small muted connected">connected for {since((Date.now() - Date.parse(proxy.connectedAt)) / 1_000)}</div>
      {refusals(proxy).map((refusal) => (
        <p key={refusal.kind} class="refusal small">
          Refused {NAMES[refusal.kind] ?? refusal.kind} of version {refusal.version}: {refusal.reason}
        </p>
      ))}
    </th>
    <td class="number">
      {proxy.version}
      {proxy.version < version ? <div class="small muted">of {version}</div> : null}
    </td>
    {Object.entries(proxy.kinds)
      .sort(([a], [b]) => byOrder(a, b))
      .map(([kind, sync]) => (
        <Cell key={kind} kind={sync} />
      ))}
  </tr>
);

const SyncTable = ({ status }: { status: SyncStatus }) => {
  const proxies = [...status.proxies].sort((a, b) => a.workload.localeCompare(b.workload));
  const kinds = Object.keys(proxies[0]?.kinds ?? {}).sort(byOrder);
  return (
    <ScrollRegion class="card scroll-x" label="Proxies">
      <table class="sync">
        <thead>
          <tr>
            <th scope="col">proxy</th>
            <th scope="col" class="number">
              version
            </th>
            {kinds.map((kind) => (
              <th key={kind} scope="col">
                {NAMES[kind] ?? kind} <span class="kind-name">{kind.toUpperCase()}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {proxies.map((proxy) => (
            <ProxyRow key={proxy.node} proxy={proxy} version={status.version} />
          ))}
        </tbody>
      </table>
    </ScrollRegion>
  );
};

const StateWords = () => (
  <dl class="words small">
    {(Object.keys(WORDS) as SyncState[]).map((state) => (
      <div key={state} class="row">
        <dt>
          <span class={`chip ${TONES[state]}`}>{state}</span>
        </dt>
        <dd class="muted">{WORDS[state]}</dd>
      </div>
    ))}
  </dl>
);

const ChangeItem = ({ change, open }: { change: Change; open: boolean }) => (
  <li>
    <details open={open}>
      <summary>
        <span class="mono muted">{timeOf(change.at)}</span>{' '}
        <b>{change.resources.map(({ kind, name, outcome }) => `${kind} ${name} ${outcome}`).join(', ')}</b>
        <span class="muted small change-words">{roundWords(change)}</span>
      </summary>
      <ChangeRound progress={change} />
    </details>
  </li>
);

const Changes = () => {
  const { value: changes } = useFresh<readonly Change[]>('/changes', 2_000);
  if (changes === undefined) return null;
  return (
    <section class="card changes" aria-label="Last changes">
      <h2>Last changes</h2>
      {changes.length === 0 ? (
        <p class="small muted">
          Nothing has been changed from these pages since the mesh was started. Apply something on <a href="/config">Config</a>, and here is
          how long it took to reach each proxy.
        </p>
      ) : (
        <ol class="plain-list">
          {changes.map((change, i) => (
            <ChangeItem key={change.version} change={change} open={i === 0} />
          ))}
        </ol>
      )}
    </section>
  );
};

/** One row a proxy; above it the changes made here and how they went round. */
export const XdsPage = () => {
  const { value: status, error } = useFresh<SyncStatus>('/sync', 1_000);
  return (
    <div class="wide-page">
      <h1>xDS</h1>
      <p class="muted lead">
        The control plane sends each proxy its clusters, endpoints, listeners and routes. A proxy acknowledges what it took, or refuses it
        and says why; then it keeps what it had.
        {status === undefined ? '' : ` Configuration version ${status.version} is in force.`}
      </p>
      {error === '' ? null : (
        <p class="notice warn" role="status">
          The control plane does not answer ({error}). Proxies go on with what they have
          {status === undefined ? '' : '; below is what was known last'}.
        </p>
      )}
      <Changes />
      {status?.proxies.length === 0 ? <p class="empty">No proxy is connected yet.</p> : null}
      {status === undefined || status.proxies.length === 0 ? null : <SyncTable status={status} />}
      <StateWords />
    </div>
  );
};
