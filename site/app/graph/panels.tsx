/** What opens beside the graph: a proxy's own view of its work, or the last requests of one line. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { ScrollRegion } from '../components/scroll-region.tsx';
import { TapeLine } from '../components/tape.tsx';
import { WorkloadName } from '../components/version.tsx';
import { figures } from '../live/store.ts';
import type { LoggedExchange, ProxyView } from '../live/types.ts';
import { useFresh } from '../live/use-fresh.ts';
import { milliseconds, percent, since } from '../live/words.ts';
import { EdgeIdentities, IdentityLine } from './identity.tsx';
import { lockWords } from './padlock.tsx';
import { Clusters, Endpoints, Listeners, Routes } from './proxy-parts.tsx';

const PARTS = ['listeners', 'routes', 'clusters', 'endpoints'] as const;
type Part = (typeof PARTS)[number];

/** Takes the focus when it opens, so that the keyboard goes on from here; Escape closes it. */
const Panel = ({
  label,
  title,
  onClose,
  children,
}: {
  label: string;
  title: ComponentChildren;
  onClose: () => void;
  children: ComponentChildren;
}) => {
  const panel = useRef<HTMLElement>(null);
  useEffect(() => {
    panel.current?.focus({ preventScroll: true });
  }, [label]);
  return (
    <section
      class="card panel arriving"
      aria-label={label}
      tabIndex={-1}
      ref={panel}
      onKeyDown={(event) => event.key === 'Escape' && onClose()}
    >
      <div class="row spread panel-title">
        <h2>{title}</h2>
        <button type="button" class="button quiet" onClick={onClose}>
          Close
        </button>
      </div>
      {children}
    </section>
  );
};

/** `…/1.40.0/Clean/RELEASE/…`, as Envoy and this proxy write it → name and number. */
const versionWords = (version: string): string => {
  const [name = '', number] = version.split('/');
  if (number === undefined) return version;
  return `${/^[0-9a-f]{40}$/.test(name) ? 'envoy' : name} ${number}`;
};

const stateWords = (view: ProxyView): string => {
  const up = view.upSeconds === 0 ? '' : `, up ${since(view.upSeconds)}`;
  return `Its proxy is ${view.state.toLowerCase() || 'answering'}${up}. ${versionWords(view.version)}`;
};

const PartOf = ({ part, view, onPart }: { part: Part; view: ProxyView; onPart: (part: Part) => void }) => {
  if (part === 'listeners') return <Listeners view={view} onRoutes={() => onPart('routes')} />;
  if (part === 'routes') return <Routes view={view} />;
  return part === 'clusters' ? <Clusters view={view} onEndpoints={() => onPart('endpoints')} /> : <Endpoints view={view} />;
};

/** What one proxy runs, read from its admin port every two seconds. The part that is open stands in the address. */
export const ProxyPanel = ({ name, onClose }: { name: string; onClose: () => void }) => {
  const { query, route } = useLocation();
  const { value: view, error } = useFresh<ProxyView>(`/proxies/${encodeURIComponent(name)}`, 2_000);
  const part = PARTS.find((candidate) => candidate === query.part) ?? 'listeners';
  const choose = (next: Part) => route(`/?proxy=${encodeURIComponent(name)}&part=${next}`, true);
  const counts = {
    listeners: view?.listeners.length,
    routes: view?.routes.length,
    clusters: view?.clusters.length,
    endpoints:
      view === undefined ? undefined : new Set(view.clusters.flatMap(({ endpoints }) => endpoints.map(({ address }) => address))).size,
  };
  return (
    <Panel label={`Proxy of ${name}`} title={<WorkloadName name={name} />} onClose={onClose}>
      <p class="small muted">{view === undefined ? 'Asking its proxy…' : stateWords(view)}</p>
      <IdentityLine name={name} />
      {error === '' ? null : (
        <p class="notice bad" role="status">
          Its proxy does not answer ({error}){view === undefined ? '' : '. Below is what it told last'}. It is asked again every two
          seconds.
        </p>
      )}
      <fieldset class="segments" aria-label="Part of the proxy">
        {PARTS.map((candidate) => (
          <button key={candidate} type="button" aria-pressed={part === candidate} onClick={() => choose(candidate)}>
            {candidate} <span class="muted">{counts[candidate] ?? ''}</span>
          </button>
        ))}
      </fieldset>
      <ScrollRegion class="panel-body" label={part}>
        {view === undefined ? null : <PartOf part={part} view={view} onPart={choose} />}
      </ScrollRegion>
    </Panel>
  );
};

/** The last fifty requests of one line. */
export const EdgePanel = ({ from, to, onClose }: { from: string; to: string; onClose: () => void }) => {
  const { value, error } = useFresh<readonly LoggedExchange[]>(`/edges/${encodeURIComponent(from)}/${encodeURIComponent(to)}`, 1_000);
  const now = figures.value?.edges.find((edge) => edge.from === from && edge.to === to);
  const title = (
    <>
      <WorkloadName name={from} /> → <WorkloadName name={to} />
    </>
  );
  return (
    <Panel label={`Requests from ${from} to ${to}`} title={title} onClose={onClose}>
      <p class="small muted">
        {now === undefined
          ? 'No request in the last ten seconds.'
          : `${now.rate} requests a second, ${percent(now.success)} good, median ${milliseconds(now.p50Ms)}, p99 ${milliseconds(now.p99Ms)}.`}{' '}
      </p>
      <EdgeIdentities from={from} to={to} last={value?.find(({ upstreamHost }) => upstreamHost !== '')} words={lockWords(now)} />
      <p class="small muted">Its last fifty requests, newest first:</p>
      {error === '' ? null : <p class="notice bad">{error}</p>}
      <ScrollRegion class="panel-body" label="Requests">
        {value?.length === 0 ? <p class="empty small">None yet.</p> : null}
        <ol class="tape-lines narrow">
          {value?.map((exchange) => (
            <TapeLine key={exchange.seq} exchange={exchange} />
          ))}
        </ol>
      </ScrollRegion>
    </Panel>
  );
};
