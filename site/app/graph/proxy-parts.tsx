/** The four parts of a proxy's work, in words and tables: listeners, routes, clusters, endpoints. */
import { ClusterName } from '../components/cluster-name.tsx';
import { WorkloadName } from '../components/version.tsx';
import type { ClusterView, EndpointView, ListenerView, ProxyView, RouteTarget, RouteView } from '../live/types.ts';

const DIRECTIONS = [
  { direction: 'outbound', words: 'Calls that the program makes' },
  { direction: 'inbound', words: 'Calls that others make to it' },
  { direction: 'gateway', words: 'Calls from outside the mesh' },
] as const;

const Chain = ({ chain, onRoutes }: { chain: ListenerView['chains'][number]; onRoutes: () => void }) => (
  <li class="small">
    {chain.port === '' ? <span class="muted">any port</span> : <span class="mono">port {chain.port}</span>}{' '}
    <span class="chip">{chain.kind}</span> →{' '}
    {chain.kind === 'http' ? (
      <button type="button" class="button plain link" onClick={onRoutes}>
        routes <span class="mono">{chain.to}</span>
      </button>
    ) : (
      <ClusterName name={chain.to} />
    )}
  </li>
);

/** What it listens on, and what becomes of a connection. */
export const Listeners = ({ view, onRoutes }: { view: ProxyView; onRoutes: () => void }) => (
  <>
    {DIRECTIONS.map(({ direction, words }) => {
      const listeners = view.listeners.filter((listener) => listener.direction === direction);
      return listeners.length === 0 ? null : (
        <section key={direction}>
          <h3 class="part-head">{words}</h3>
          <ul class="plain-list">
            {listeners.map((listener) => (
              <li key={listener.name}>
                <b class="mono">{listener.name}</b>{' '}
                <span class="muted small">
                  {listener.bound ? <span class="mono">{listener.address}</span> : 'not bound: virtualOutbound hands over to it'}
                </span>
                <ul class="chains">
                  {listener.chains.map((chain) => (
                    <Chain key={`${chain.port} ${chain.to}`} chain={chain} onRoutes={onRoutes} />
                  ))}
                </ul>
              </li>
            ))}
          </ul>
        </section>
      );
    })}
  </>
);

const share = (value: number): string => `${Math.round(value * 10) / 10} %`;

const Targets = ({ targets }: { targets: readonly RouteTarget[] }) => (
  <ul class="targets">
    {targets.map(({ cluster, share: part }) => (
      <li key={cluster} class="target">
        {targets.length === 1 ? (
          <span>→</span>
        ) : (
          <>
            <span class="number">{share(part)}</span>
            <span class="target-track" aria-hidden="true">
              <span class={`tally-fill ${/\|(v\d+)\|/.exec(cluster)?.[1] ?? 'other'}`} style={{ width: `${part}%` }} />
            </span>
          </>
        )}
        <ClusterName name={cluster} />
      </li>
    ))}
  </ul>
);

const resourceLink = (resource: string): string => {
  const [kind = '', name = ''] = resource.split(' ');
  return `/config?resource=${encodeURIComponent(`${kind}/${name}`)}`;
};

const RouteRow = ({ route }: { route: RouteView }) => (
  <li>
    <div class="row small">
      <code>{route.match}</code>
      {route.resource === '' ? null : (
        <a class="rule-link" href={resourceLink(route.resource)}>
          {route.resource}, {route.field.replace(/^spec\./, '')}
        </a>
      )}
    </div>
    {route.targets.length === 0 ? <div class="small">→ {route.action}</div> : <Targets targets={route.targets} />}
  </li>
);

interface HostRoutes {
  readonly key: string;
  readonly table: string;
  readonly domains: readonly string[];
  readonly routes: readonly RouteView[];
}

const hostsOf = (view: ProxyView): readonly HostRoutes[] =>
  [...Map.groupBy(view.routes, ({ table, host, domains }) => `${table} ${host} ${domains[0] ?? ''}`)].map(([key, routes]) => ({
    key,
    table: routes[0]?.table ?? '',
    domains: routes[0]?.domains ?? [],
    routes,
  }));

const HostName = ({ domains }: { domains: readonly string[] }) => {
  const [service = '', ...rest] = (domains[0] ?? '').split('.');
  if (domains[0] === '*') return <span>any host</span>;
  return (
    <span title={domains.join('\n')}>
      {service}
      <span class="muted small">{rest.length === 0 ? '' : `.${rest.join('.')}`}</span>
    </span>
  );
};

const RuledHost = ({ host }: { host: HostRoutes }) => (
  <section>
    <h3 class="part-head host-head">
      <HostName domains={host.domains} />
      <span class="muted small mono table-name">table {host.table}</span>
    </h3>
    <ol class="plain-list">
      {host.routes.map((route, i) => (
        <RouteRow key={i} route={route} />
      ))}
    </ol>
  </section>
);

const PlainHosts = ({ hosts }: { hosts: readonly HostRoutes[] }) => (
  <table class="plain-hosts">
    <thead>
      <tr>
        <th scope="col">host</th>
        <th scope="col">goes to</th>
        <th scope="col">table</th>
      </tr>
    </thead>
    <tbody>
      {hosts.map((host) => (
        <tr key={host.key}>
          <td>
            <HostName domains={host.domains.map((domain) => domain.replace('.svc.cluster.local', ''))} />
          </td>
          <td>{host.routes.flatMap(({ targets }) => targets.map(({ cluster }) => <ClusterName key={cluster} name={cluster} />))}</td>
          <td class="mono small">{host.table}</td>
        </tr>
      ))}
    </tbody>
  </table>
);

/** Hosts that a rule speaks of, first match first; then those that are sent on as they are. */
export const Routes = ({ view }: { view: ProxyView }) => {
  const hosts = hostsOf(view);
  const isPlain = ({ routes }: HostRoutes) => routes.length === 1 && routes[0]?.resource === '' && routes[0].targets.length === 1;
  const plain = hosts.filter(isPlain);
  return (
    <>
      {hosts
        .filter((host) => !isPlain(host))
        .map((host) => (
          <RuledHost key={host.key} host={host} />
        ))}
      {plain.length === 0 ? null : (
        <section>
          <h3 class="part-head">No rule of yours: sent on as they are</h3>
          <PlainHosts hosts={plain} />
        </section>
      )}
    </>
  );
};

const POLICIES: Readonly<Record<string, string>> = {
  EDS: 'endpoints from the control plane',
  STATIC: 'fixed',
  ORIGINAL_DST: 'where it was going',
};

/** Where requests can go. */
export const Clusters = ({ view, onEndpoints }: { view: ProxyView; onEndpoints: () => void }) => (
  <ul class="plain-list">
    {view.clusters.map((cluster) => (
      <li key={cluster.name}>
        <b>
          <ClusterName name={cluster.name} />
        </b>
        <div class="small muted">
          {cluster.policy.toLowerCase().replaceAll('_', ' ')}, {POLICIES[cluster.type] ?? cluster.type.toLowerCase()},{' '}
          {cluster.endpoints.length === 0 ? (
            'no endpoint'
          ) : (
            <button type="button" class="button plain link" onClick={onEndpoints}>
              {cluster.endpoints.length} endpoint{cluster.endpoints.length === 1 ? '' : 's'}
            </button>
          )}
        </div>
        <div class="mono tiny muted">{cluster.name}</div>
      </li>
    ))}
  </ul>
);

const EndpointRow = ({ endpoint, total }: { endpoint: EndpointView; total: number }) => (
  <tr>
    <td>
      {endpoint.workload === '' ? null : (
        <div>
          <WorkloadName name={endpoint.workload} />
        </div>
      )}
      <span class="mono tiny muted">{endpoint.address}</span>
    </td>
    <td>
      <span class={`chip ${endpoint.health === 'HEALTHY' ? 'good' : 'bad'}`}>{endpoint.health.toLowerCase()}</span>
    </td>
    <td class="number">{endpoint.requests.toLocaleString('en')}</td>
    <td class="number">{total === 0 ? '–' : share((endpoint.requests / total) * 100)}</td>
    <td class="number">{endpoint.errors.toLocaleString('en')}</td>
  </tr>
);

const EndpointTable = ({ cluster }: { cluster: ClusterView }) => (
  <table>
    <caption>
      <ClusterName name={cluster.name} />
    </caption>
    <thead>
      <tr>
        <th scope="col">endpoint</th>
        <th scope="col">health</th>
        <th scope="col" class="number">
          requests
        </th>
        <th scope="col" class="number">
          share
        </th>
        <th scope="col" class="number">
          errors
        </th>
      </tr>
    </thead>
    <tbody>
      {cluster.endpoints.map((endpoint) => (
        <EndpointRow
          key={endpoint.address}
          endpoint={endpoint}
          total={cluster.endpoints.reduce((sum, { requests }) => sum + requests, 0)}
        />
      ))}
    </tbody>
  </table>
);

/** Who answers, how well, and how much each got since this proxy started. */
export const Endpoints = ({ view }: { view: ProxyView }) => (
  <div class="endpoints">
    {view.clusters
      .filter((cluster) => cluster.endpoints.length > 0)
      .map((cluster) => (
        <EndpointTable key={cluster.name} cluster={cluster} />
      ))}
  </div>
);
