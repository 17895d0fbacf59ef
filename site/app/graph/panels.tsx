/** What opens beside the graph: a proxy's own view of its work, or the last requests of one line. */

import { useEffect, useState } from 'preact/hooks';
import { ScrollRegion } from '../components/scroll-region.tsx';
import { TapeLine } from '../components/tape.tsx';
import { WorkloadName } from '../components/version.tsx';
import { get, wordsOf } from '../live/api.ts';
import { figures } from '../live/store.ts';
import type { LoggedExchange } from '../live/types.ts';

interface ProxyView {
  readonly name: string;
  readonly version: string;
  readonly state: string;
  readonly listeners: readonly { readonly name: string; readonly address: string; readonly chains: readonly string[] }[];
  readonly routes: readonly { readonly table: string; readonly domains: string; readonly match: string; readonly action: string }[];
  readonly clusters: readonly {
    readonly name: string;
    readonly type: string;
    readonly policy: string;
    readonly endpoints: readonly { readonly address: string; readonly health: string; readonly requests: number }[];
  }[];
}

const PARTS = ['listeners', 'routes', 'clusters', 'endpoints'] as const;

/** Reads something again every few seconds while it is on screen. */
const useFresh = <T,>(path: string, everyMs: number): { value: T | undefined; error: string } => {
  const [value, setValue] = useState<T | undefined>(undefined);
  const [error, setError] = useState('');
  useEffect(() => {
    let alive = true;
    setValue(undefined);
    const read = () =>
      get<T>(path).then(
        (fresh) => {
          if (!alive) return;
          setValue(fresh);
          setError('');
        },
        (problem) => alive && setError(wordsOf(problem)),
      );
    read();
    const timer = setInterval(read, everyMs);
    return () => {
      alive = false;
      clearInterval(timer);
    };
  }, [path, everyMs]);
  return { value, error };
};

const Listeners = ({ view }: { view: ProxyView }) => (
  <ul class="plain-list">
    {view.listeners.map((listener) => (
      <li key={listener.name}>
        <b class="mono">{listener.name}</b> <span class="muted small">{listener.address}</span>
        {listener.chains.map((chain) => (
          <div key={chain} class="small mono">
            {chain}
          </div>
        ))}
      </li>
    ))}
  </ul>
);

const Routes = ({ view }: { view: ProxyView }) => (
  <ul class="plain-list">
    {view.routes.map((route) => (
      <li key={`${route.table} ${route.domains} ${route.match} ${route.action}`}>
        <div class="small muted">
          table <span class="mono">{route.table}</span>, for <span class="mono">{route.domains}</span>
        </div>
        <div class="small">
          when <span class="mono">{route.match}</span>
        </div>
        <div class="small mono pre-line">→ {route.action}</div>
      </li>
    ))}
  </ul>
);

const Clusters = ({ view }: { view: ProxyView }) => (
  <ul class="plain-list">
    {view.clusters.map((cluster) => (
      <li key={cluster.name}>
        <b class="mono small">{cluster.name}</b>
        <div class="small muted">
          {cluster.type.toLowerCase()}, {cluster.policy.toLowerCase().replaceAll('_', ' ')}, {cluster.endpoints.length} endpoint
          {cluster.endpoints.length === 1 ? '' : 's'}
        </div>
      </li>
    ))}
  </ul>
);

const Endpoints = ({ view }: { view: ProxyView }) => (
  <table>
    <thead>
      <tr>
        <th scope="col">endpoint</th>
        <th scope="col">health</th>
        <th scope="col" class="number">
          requests
        </th>
      </tr>
    </thead>
    <tbody>
      {view.clusters
        .filter((cluster) => cluster.endpoints.length > 0)
        .flatMap((cluster) => [
          <tr key={cluster.name}>
            <th scope="rowgroup" colSpan={3} class="mono cluster-head">
              {cluster.name}
            </th>
          </tr>,
          ...cluster.endpoints.map((endpoint) => (
            <tr key={`${cluster.name} ${endpoint.address}`}>
              <td class="mono">{endpoint.address}</td>
              <td>
                <span class={`chip ${endpoint.health === 'HEALTHY' ? 'good' : 'bad'}`}>{endpoint.health.toLowerCase()}</span>
              </td>
              <td class="number">{endpoint.requests}</td>
            </tr>
          )),
        ])}
    </tbody>
  </table>
);

/** What one proxy runs, read from its admin port every two seconds. */
export const ProxyPanel = ({ name, onClose }: { name: string; onClose: () => void }) => {
  const { value: view, error } = useFresh<ProxyView>(`/proxies/${encodeURIComponent(name)}`, 2_000);
  const [part, setPart] = useState<(typeof PARTS)[number]>('listeners');
  const counts = {
    listeners: view?.listeners.length,
    routes: view?.routes.length,
    clusters: view?.clusters.length,
    endpoints: view?.clusters.flatMap((c) => c.endpoints).length,
  };
  return (
    <section class="card panel arriving" aria-label={`Proxy of ${name}`}>
      <div class="row spread">
        <h2>
          <WorkloadName name={name} />
        </h2>
        <button type="button" class="button quiet" onClick={onClose}>
          Close
        </button>
      </div>
      <p class="small muted">
        {view === undefined
          ? 'Its proxy, from its admin port.'
          : `Its proxy is ${view.state.toLowerCase() || 'answering'}. ${view.version.slice(0, 60)}`}
      </p>
      {error === '' ? null : <p class="notice bad">Its proxy does not answer: {error}</p>}
      <fieldset class="segments" aria-label="Part of the proxy">
        {PARTS.map((name) => (
          <button key={name} type="button" aria-pressed={part === name} onClick={() => setPart(name)}>
            {name} <span class="muted">{counts[name] ?? ''}</span>
          </button>
        ))}
      </fieldset>
      <ScrollRegion class="panel-body" label={part}>
        {view === undefined ? null : part === 'listeners' ? (
          <Listeners view={view} />
        ) : part === 'routes' ? (
          <Routes view={view} />
        ) : part === 'clusters' ? (
          <Clusters view={view} />
        ) : (
          <Endpoints view={view} />
        )}
      </ScrollRegion>
    </section>
  );
};

/** The last fifty requests of one line. */
export const EdgePanel = ({ from, to, onClose }: { from: string; to: string; onClose: () => void }) => {
  const { value, error } = useFresh<readonly LoggedExchange[]>(`/edges/${encodeURIComponent(from)}/${encodeURIComponent(to)}`, 1_000);
  const now = figures.value?.edges.find((edge) => edge.from === from && edge.to === to);
  return (
    <section class="card panel arriving" aria-label={`Requests from ${from} to ${to}`}>
      <div class="row spread">
        <h2>
          <WorkloadName name={from} /> → <WorkloadName name={to} />
        </h2>
        <button type="button" class="button quiet" onClick={onClose}>
          Close
        </button>
      </div>
      <p class="small muted">
        {now === undefined
          ? 'No request in the last ten seconds.'
          : `${now.rate} requests a second, median ${now.p50Ms} ms, p99 ${now.p99Ms} ms.`}{' '}
        The last fifty:
      </p>
      {error === '' ? null : <p class="notice bad">{error}</p>}
      <ScrollRegion class="panel-body" label="Requests">
        {value?.length === 0 ? <p class="empty small">None yet.</p> : null}
        <ol class="tape-lines narrow">
          {value?.map((exchange) => (
            <TapeLine key={exchange.seq} exchange={exchange} />
          ))}
        </ol>
      </ScrollRegion>
    </section>
  );
};
