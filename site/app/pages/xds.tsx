/** Did the proxies take it? Per proxy and kind: what was sent, acknowledged, refused and why. */

import { useEffect, useState } from 'preact/hooks';
import type { KindSync, ProxySync, SyncState, SyncStatus } from '#api/sync.ts';
import { ScrollRegion } from '../components/scroll-region.tsx';
import { WorkloadName } from '../components/version.tsx';
import { get, wordsOf } from '../live/api.ts';

const TONES: Readonly<Record<SyncState, string>> = { SYNCED: 'good', STALE: 'warn', 'NOT SENT': '', ERROR: 'bad' };
const WORDS: Readonly<Record<SyncState, string>> = {
  SYNCED: 'the proxy acknowledged what was last sent',
  STALE: 'sent, and not acknowledged yet',
  'NOT SENT': 'the proxy did not ask for it, or there is nothing to send',
  ERROR: 'the proxy refused it and keeps what it had',
};
const KIND_ORDER = ['cds', 'eds', 'lds', 'rds'];

const Cell = ({ kind }: { kind: KindSync & { state: SyncState } }) => (
  <td>
    <span class={`chip ${TONES[kind.state]}`} title={WORDS[kind.state]}>
      {kind.state}
    </span>
    <div class="small muted">
      {kind.state === 'NOT SENT'
        ? ''
        : `sent ${kind.sent || '–'}, acked ${kind.acknowledged || '–'}, ${kind.resources} resource${kind.resources === 1 ? '' : 's'}`}
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
      {refusals(proxy).map((refusal) => (
        <p key={refusal.kind} class="refusal small">
          {refusal.kind} version {refusal.version}: {refusal.reason}
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
                {kind}
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

const useSyncStatus = (): { readonly status: SyncStatus | undefined; readonly error: string } => {
  const [status, setStatus] = useState<SyncStatus | undefined>(undefined);
  const [error, setError] = useState('');
  useEffect(() => {
    let alive = true;
    const read = () =>
      get<SyncStatus>('/sync').then(
        (fresh) => {
          if (!alive) return;
          setStatus(fresh);
          setError('');
        },
        (problem) => alive && setError(wordsOf(problem)),
      );
    read();
    const timer = setInterval(read, 1_000);
    return () => {
      alive = false;
      clearInterval(timer);
    };
  }, []);
  return { status, error };
};

/** One row a proxy. */
export const XdsPage = () => {
  const { status, error } = useSyncStatus();
  return (
    <div class="wide-page">
      <h1>xDS</h1>
      <p class="muted lead">
        The control plane sends each proxy its clusters, endpoints, listeners and routes. A proxy acknowledges what it took, or refuses it
        and says why; then it keeps what it had.
        {status === undefined ? '' : ` Configuration version ${status.version} is in force.`}
      </p>
      {error === '' ? null : <p class="notice warn">The control plane does not answer ({error}). Proxies go on with what they have.</p>}
      {status?.proxies.length === 0 ? <p class="empty">No proxy is connected yet.</p> : null}
      {status === undefined || status.proxies.length === 0 ? null : <SyncTable status={status} />}
      <StateWords />
    </div>
  );
};
