/** The front page: the live mesh. */

import { useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { WorkloadName } from '../components/version.tsx';
import { drawnShare } from '../graph/dots.ts';
import { type Chosen, LiveGraph } from '../graph/graph.tsx';
import { EdgePanel, ProxyPanel } from '../graph/panels.tsx';
import { post, wordsOf } from '../live/api.ts';
import { figures, mesh, state } from '../live/store.ts';
import { milliseconds, percent } from '../live/words.ts';

const LoadControl = () => {
  const [error, setError] = useState('');
  const load = state.value?.load;
  if (load === undefined || load.url === '') return null;
  const set = (body: { on: boolean; perSecond?: number }) =>
    post('/load', body).then(
      () => setError(''),
      (problem) => setError(wordsOf(problem)),
    );
  return (
    <div class="row small">
      <span class="muted">
        {load.on ? `The built-in load opens /productpage ${load.perSecond} times a second.` : 'The built-in load is stopped.'}
      </span>
      {load.on ? (
        <fieldset class="segments" aria-label="Pages a second">
          {[1, 4, 10, 25, 50].map((rate) => (
            <button key={rate} type="button" aria-pressed={load.perSecond === rate} onClick={() => set({ on: true, perSecond: rate })}>
              {rate}/s
            </button>
          ))}
        </fieldset>
      ) : null}
      <button type="button" class="button" disabled={mesh.value?.open !== true} onClick={() => set({ on: !load.on })}>
        {load.on ? 'Stop the load' : 'Start the load'}
      </button>
      {error === '' ? null : <span class="chip bad">{error}</span>}
    </div>
  );
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
              requests/s
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
              <td class="number">{edge.rate}</td>
              <td class="number">{percent(edge.success)}</td>
              <td class="number">{milliseconds(edge.p50Ms)}</td>
              <td class="number">{milliseconds(edge.p99Ms)}</td>
              <td>
                <button type="button" class="button quiet" onClick={() => onChoose({ kind: 'edge', from: edge.from, to: edge.to })}>
                  last requests
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
      <div class="row spread">
        <div>
          <h1>{mesh.value?.name === 'bookinfo' || mesh.value === undefined ? 'Bookinfo, live' : `${mesh.value.name}, live`}</h1>
          <p class="muted">
            Every dot is a real request on its way. Click a box for its proxy, a line for its last requests.
            {drawnShare.value < 0.98 ? ` Too many to draw: ${percent(drawnShare.value)} of them are shown.` : ''}
          </p>
        </div>
        <div class="stack end">
          <a class="button primary" href="/labs/01-first-request">
            Start lab 1 →
          </a>
        </div>
      </div>
      <div class={`mesh-stage${chosen === undefined ? '' : ' with-panel'}`}>
        <div class="card graph-card">
          <LiveGraph chosen={chosen} onChoose={choose} />
          <div class="graph-foot">
            <p class="small muted legend">Width: rate. Figures: requests a second, share of good answers, p99 of ten seconds.</p>
            <LoadControl />
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
