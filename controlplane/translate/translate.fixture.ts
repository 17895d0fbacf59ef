/** From YAML and running workloads to what one sidecar gets. */
import { RouteConfiguration } from '#envoy';
import { clockFrom } from '#system/clock.ts';
import { buildMesh } from '../mesh/build-mesh.ts';
import { DEFAULT_MESH_CONFIG, type Mesh, type ProxyNode } from '../mesh/mesh.ts';
import type { Workload } from '../registry/workload.ts';
import { ConfigStore } from '../store/config-store.ts';
import { translate } from './translate.ts';
import type { TranslatedResources } from './translated-resources.ts';

/** The sidecar that the tests look at. */
export const SIDECAR: ProxyNode = {
  id: 'sidecar~127.96.1.1~reviews-v1.default~default.svc.cluster.local',
  type: 'sidecar',
  ip: '127.96.1.1',
  workload: 'reviews-v1',
  namespace: 'default',
  labels: { app: 'reviews', version: 'v1' },
  serviceAccount: 'default',
  appPorts: { 9080: 41_000 },
};

/** A gateway that Gateways with `istio: ingressgateway` select. */
export const GATEWAY: ProxyNode = {
  ...SIDECAR,
  id: 'router~127.96.1.9~gateway.edge~edge.svc.cluster.local',
  type: 'router',
  ip: '127.96.1.9',
  workload: 'gateway',
  namespace: 'edge',
  labels: { istio: 'ingressgateway' },
};

const workloadOf = ({ type, workload, namespace, labels, serviceAccount, ip, appPorts }: ProxyNode): Workload => ({
  type,
  name: workload,
  namespace,
  labels,
  serviceAccount,
  address: ip,
  appPorts,
});

/** Throws when the YAML is refused. */
export const meshFrom = (yaml: string): Mesh => {
  const store = new ConfigStore(clockFrom({ nowMs: () => 0, wallTimeMs: () => 0, after: () => () => {} }));
  const errors = store.apply({ 'test.yaml': yaml }).problems.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new Error(JSON.stringify(errors));
  return buildMesh(store.view(), [workloadOf(SIDECAR), workloadOf(GATEWAY)], DEFAULT_MESH_CONFIG);
};

/** Everything that the proxy gets. */
export const translated = (yaml: string, proxy = SIDECAR): TranslatedResources => translate(meshFrom(yaml), proxy);

/** Domains of every virtual host of an RDS, with the clusters that its routes name. */
export const virtualHosts = ({ routes }: TranslatedResources, rds: string) =>
  (routes.find(({ name }) => name === rds) ?? RouteConfiguration.fromPartial({})).virtualHosts.map((host) => ({
    name: host.name,
    domains: host.domains,
    clusters: host.routes.map(({ action }) =>
      action?.$case === 'route' && action.value.clusterSpecifier?.$case === 'cluster' ? action.value.clusterSpecifier.value : action?.$case,
    ),
  }));

/** `address:port*weight` of every endpoint of a cluster; undefined when nobody is told of it. */
export const endpointsIn = ({ endpoints }: TranslatedResources, cluster: string): string[] | undefined =>
  endpoints
    .find(({ clusterName }) => clusterName === cluster)
    ?.endpoints.flatMap(({ lbEndpoints }) =>
      lbEndpoints.map(({ hostIdentifier, loadBalancingWeight }) => {
        const at = hostIdentifier?.$case === 'endpoint' ? hostIdentifier.value.address?.address : undefined;
        if (at?.$case !== 'socketAddress' || at.value.portSpecifier?.$case !== 'portValue') return '';
        return `${at.value.address}:${at.value.portSpecifier.value}*${loadBalancingWeight}`;
      }),
    );
