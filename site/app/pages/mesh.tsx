/** The front page: the live mesh. */

import { useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { WorkloadName } from '../components/version.tsx';
import { drawnShare } from '../graph/dots.ts';
import { type Chosen, LiveGraph } from '../graph/graph.tsx';
import { lockWords } from '../graph/padlock.tsx';
import { EdgePanel, ProxyPanel } from '../graph/panels.tsx';
import { post, wordsOf } from '../live/api.ts';
import { figures, mesh, state } from '../live/store.ts';
import { milliseconds, percent } from '../live/words.ts';

const RATES = [1, 4, 10, 25, 50] as const;

const LoadControl = () => {
  const [error, setError] = useState('');
  const load = state.value?.load;
  if (load === undefined || load.url === '') return null;
  const closed = mesh.value?.open !== true;
  const set = (body: { on: boolean; perSecond?: number }) =>
    post('/load', body).then(
      () => setError(''),
      (problem) => setError(wordsOf(problem)),
    );
  return (
    <div class="row small load">
      <span class="muted">
        Built-in load, <code>GET /productpage</code>:
      </span>
      <fieldset class="segments" aria-label="Pages a second" disabled={closed}>
        {RATES.map((rate) => (
          <button
            key={rate}
            type="button"
            aria-pressed={load.on && load.perSecond === rate}
            onClick={() => set({ on: true, perSecond: rate })}
          >
            {rate}/s
          </button>
        ))}
      </fieldset>
      <button type="button" class="button" disabled={closed} onClick={() => set({ on: !load.on })}>
        {load.on ? 'Stop the load' : 'Start the load'}
      </button>
      <span role="status">{error === '' ? null : <span class="chip bad">{error}</span>}</span>
    </div>
  );
};

/** What is out of order, and what can be done: nothing while all is well. */
const Trouble = () => {
  const now = state.value;
  if (now === undefined) return null;
  if (!now.proxies.controlPlane)
    return (
      <p class="notice warn" role="status">
        The control plane does not answer. Requests go on with what the proxies have; changes must wait until it is back.
      </p>
    );
  if (now.proxies.missing.length > 0 && now.proxies.connected > 0)
    return (
      <p class="notice warn" role="status">
        Not connected to the control plane: {now.proxies.missing.join(', ')}. A proxy that runs keeps its last configuration; one that was
        stopped answers nobody.
      </p>
    );
  if (!now.load.on && (figures.value?.edges.length ?? 0) === 0)
    return (
      <p class="notice" role="status">
        The load is stopped, and nothing has passed for ten seconds. Start it below, or send a request of your own in a lab.
      </p>
    );
  return null;
};

const EdgeTable = ({ onChoose }: { onChoose: (chosen: Chosen) => void }) => {
  const edges = [...(figures.value?.edges ?? [])].sort((a, b) => a.from.localeCompare(b.from) || a.to.localeCompare(b.to));
  if (edges.length === 0) return <p class="empty small">No request in the last ten seconds: start the load, or send one in a lab.</p>;
  return (
    <div class="scroll-x">
      <table>
        <caption class="hidden-text">Calls of the last ten seconds</caption>
        <thead>
          <tr>
            <th scope="col">from</th>
            <th scope="col">to</th>
            <th scope="col" class="number">
              req/s
            </th>
            <th scope="col" class="number">
              good
            </th>
            <th scope="col" class="number">
              median
            </th>
            <th scope="col" class="number">
              p99
            </th>
            <th scope="col">wire</th>
            <th scope="col">
              <span class="hidden-text">requests</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {edges.map((edge) => (
            <tr key={`${edge.from} ${edge.to}`}>
              <td>
                <WorkloadName name={edge.from} />
              </td>
              <td>
                <WorkloadName name={edge.to} />
              </td>
              <td class="number">{edge.rate.toFixed(1)}</td>
              <td class="number">{percent(edge.success)}</td>
              <td class="number">{milliseconds(edge.p50Ms)}</td>
              <td class="number">{milliseconds(edge.p99Ms)}</td>
              <td>{lockWords(edge) || '–'}</td>
              <td>
                <button type="button" class="button plain link" onClick={() => onChoose({ kind: 'edge', from: edge.from, to: edge.to })}>
                  last requests
                  <span class="hidden-text">
                    {' '}
                    from {edge.from} to {edge.to}
                  </span>
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
};

const chosenFrom = (query: Readonly<Record<string, string>>): Chosen | undefined => {
  if (query.proxy !== undefined) return { kind: 'proxy', name: query.proxy };
  if (query.from !== undefined && query.to !== undefined) return { kind: 'edge', from: query.from, to: query.to };
  return undefined;
};

/** Graph, what was clicked in it, and the same as a table. */
export const MeshPage = () => {
  const { query, route } = useLocation();
  const chosen = chosenFrom(query);
  const choose = (next: Chosen) =>
    route(
      next.kind === 'proxy'
        ? `/?proxy=${encodeURIComponent(next.name)}`
        : `/?from=${encodeURIComponent(next.from)}&to=${encodeURIComponent(next.to)}`,
    );
  const close = () => route('/');
  return (
    <div class="mesh-page">
      <div class="row spread mesh-head">
        <div>
          <h1>{mesh.value === undefined || mesh.value.name === 'bookinfo' ? 'Bookinfo' : mesh.value.name}, live</h1>
          <p class="muted">
            Every dot is a real request on its way. Click a dot for its story, a box for its proxy, a line for its last requests.
            {drawnShare.value < 0.98 ? ` Too many to draw: ${percent(drawnShare.value)} of them are shown.` : ''}
          </p>
        </div>
        <a class="button primary" href="/labs/01-first-request">
          Start lab 1 →
        </a>
      </div>
      <Trouble />
      <div class={`mesh-stage${chosen === undefined ? '' : ' with-panel'}`}>
        <div class="card graph-card">
          <LiveGraph chosen={chosen} onChoose={choose} />
          <div class="graph-foot">
            <p class="small muted legend">
              On each line: requests a second, share answered without a 5xx, p99 over ten seconds. A closed padlock: mutual TLS; an open
              one: plain text; half full: both.
            </p>
            <LoadControl />
            <a class="small" href="/certificates">
              Certificates of every workload
            </a>
          </div>
        </div>
        {chosen === undefined ? null : chosen.kind === 'proxy' ? (
          <ProxyPanel name={chosen.name} onClose={close} />
        ) : (
          <EdgePanel from={chosen.from} to={chosen.to} onClose={close} />
        )}
      </div>
      <details class="card twin" open>
        <summary>The same as a table</summary>
        <EdgeTable onChoose={choose} />
      </details>
    </div>
  );
};
