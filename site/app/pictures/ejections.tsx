/** Hosts with their strikes and who is out for how long, live, with one control that skips the wait; each card says the same in words. */
import { useState } from 'preact/hooks';
import { WorkloadName } from '../components/version.tsx';
import { post, wordsOf } from '../live/api.ts';
import { mesh } from '../live/store.ts';
import type { OutlierCluster, OutlierHost, OutliersView } from '../live/types.ts';
import { useFresh } from '../live/use-fresh.ts';

const EVERY_MS = 500;
const SKIP_SECONDS = 30;

const seconds = (ms: number): string => `${Math.max(0, Math.ceil(ms / 1_000))} s`;

const Strikes = ({ now, needed }: { now: number; needed: number }) => (
  <div class="strikes" aria-hidden="true">
    {Array.from({ length: needed }, (_, index) => (
      <span key={index} class={`strike${index < now ? ' hit' : ''}`}>
        {index < now ? '✗' : ''}
      </span>
    ))}
  </div>
);

const Countdown = ({ host, nowMs }: { host: OutlierHost; nowMs: number }) => {
  const { ejected } = host;
  if (ejected === undefined) return null;
  const total = Math.max(1, ejected.returnsMs - ejected.sinceMs);
  const left = Math.max(0, ejected.returnsMs - nowMs);
  return (
    <>
      <div class="meter-track" aria-hidden="true">
        <span class="meter-fill out" style={{ width: `${Math.min(100, (left / total) * 100)}%` }} />
      </div>
      <p class="small">
        <b>back in {seconds(left)}</b>: its {seconds(ejected.untilMs - ejected.sinceMs)}, then the next look. Ejected{' '}
        {host.ejections === 1 ? 'once' : `${host.ejections} times`} so far.
      </p>
    </>
  );
};

const strikeWords = ({ now, needed }: OutlierHost['consecutive5xx']): string =>
  needed === 0 ? 'failures are not counted' : `${now} of ${needed} failures in a row`;

const HostCard = ({ host, nowMs }: { host: OutlierHost; nowMs: number }) => (
  <li class={`chair${host.ejected === undefined ? '' : ' out'}`}>
    <p class="row spread">
      <b>
        <WorkloadName name={host.workload} />
      </b>
      <span class={`chip ${host.ejected === undefined ? 'good' : 'bad'}`}>{host.ejected === undefined ? 'in' : 'ejected'}</span>
    </p>
    <Strikes now={host.ejected === undefined ? host.consecutive5xx.now : host.consecutive5xx.needed} needed={host.consecutive5xx.needed} />
    <p class="small muted">
      {host.ejected === undefined ? strikeWords(host.consecutive5xx) : 'ejected at its last strike'}
      {host.ejected === undefined && host.ejections > 0
        ? `; ejected ${host.ejections === 1 ? 'once' : `${host.ejections} times`} so far`
        : ''}
    </p>
    <Countdown host={host} nowMs={nowMs} />
  </li>
);

const isPanic = ({ panicPercent, hosts, ejected }: OutlierCluster): boolean =>
  panicPercent > 0 && hosts.length > 0 && ((hosts.length - ejected) / hosts.length) * 100 < panicPercent;

const Table = ({ cluster, nowMs }: { cluster: OutlierCluster; nowMs: number }) => (
  <div class="stack">
    {isPanic(cluster) ? (
      <p class="notice bad" role="status">
        <b>Panic:</b> fewer than {cluster.panicPercent} % of the hosts are well, so the proxy ignores who is ejected and asks all of them.
      </p>
    ) : null}
    <ul class="chairs">
      {cluster.hosts.map((host) => (
        <HostCard key={host.address} host={host} nowMs={nowMs} />
      ))}
    </ul>
    <p class="small muted">
      {cluster.ejected} of {cluster.hosts.length} out; {cluster.mayBeEjected} may be ({cluster.maxEjectionPercent} %). The proxy looks every{' '}
      {seconds(cluster.intervalMs)} whose time is over; a first ejection lasts {seconds(cluster.baseEjectionMs)}.
    </p>
  </div>
);

/** The one control: the whole mesh goes forward, on the code that waits otherwise. */
const Skip = ({ canSkip }: { canSkip: boolean }) => {
  const [said, setSaid] = useState('');
  const [busy, setBusy] = useState(false);
  const skip = async () => {
    setBusy(true);
    setSaid('');
    try {
      await post('/clock', { seconds: SKIP_SECONDS });
      setSaid(`The mesh is ${SKIP_SECONDS} s further on.`);
    } catch (problem) {
      setSaid(wordsOf(problem));
    } finally {
      setBusy(false);
    }
  };
  return (
    <p class="row">
      <button
        type="button"
        class="button"
        aria-disabled={busy}
        disabled={!canSkip || mesh.value?.open !== true}
        onClick={() => busy || skip()}
      >
        Skip {SKIP_SECONDS} s
      </button>
      <span class="small muted" role="status">
        {canSkip ? said : 'This mesh has the time of the machine: it cannot be put forward.'}
      </span>
    </p>
  );
};

/** from: whose proxy looks. service: whose hosts. */
export const Ejections = ({ from, service }: { from: string; service: string }) => {
  const { value, error } = useFresh<OutliersView>(`/outliers/${encodeURIComponent(from)}/${encodeURIComponent(service)}`, EVERY_MS);
  if (value === undefined) return <p class="small muted">{error || 'Asking the proxy about its hosts…'}</p>;
  const [cluster] = value.clusters;
  return (
    <section class="ejections stack" aria-label={`Hosts of ${service}, as the proxy of ${from} sees them`}>
      <h3>
        Hosts of {service}, as the proxy of <WorkloadName name={from} /> sees them
      </h3>
      {cluster === undefined ? (
        <p class="small muted">No rule in force asks for outlier detection.</p>
      ) : (
        <Table cluster={cluster} nowMs={value.nowMs} />
      )}
      <Skip canSkip={value.canSkip} />
      {error === '' ? null : <p class="notice bad small">{error}</p>}
    </section>
  );
};
