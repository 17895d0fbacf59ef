/** What the control plane knows, as JSON for people and tests: `GET /debug/…`. Reads only. */
import { Hono } from 'hono';
import type { SyncStatus } from '#api/sync.ts';
import { Cluster, ClusterLoadAssignment, Listener, RouteConfiguration, Secret } from '#envoy';
import { type Mesh, vipsOf } from '../mesh/mesh.ts';
import type { StoreView } from '../store/config-store.ts';
import type { ProxyNode } from '../translate/proxy-node.ts';
import type { XdsSnapshot } from '../xds/snapshot.ts';

/** The live views that the pages show. */
export interface DebugViews {
  readonly sync: () => SyncStatus;
  readonly mesh: () => Mesh;
  readonly config: () => StoreView;
  readonly proxies: () => readonly ProxyNode[];
  readonly snapshotFor: (proxy: ProxyNode) => XdsSnapshot;
}

/** Routes: /debug/syncz, /debug/vips, /debug/configz, /debug/registryz, /debug/xds?proxy=WORKLOAD[.NAMESPACE]. */
export const createDebugApi = ({ sync, mesh, config, proxies, snapshotFor }: DebugViews): Hono => {
  const api = new Hono();
  api.get('/debug/syncz', (context) => context.json(sync()));
  api.get('/debug/vips', (context) => context.json(vipsOf(mesh())));
  api.get('/debug/configz', (context) => context.json({ version: config().version, resources: resourcesOf(config()) }));
  api.get('/debug/registryz', (context) => context.json({ services: mesh().services, workloads: mesh().workloads }));
  api.get('/debug/xds', (context) => {
    const wanted = context.req.query('proxy');
    const found = proxies().find((proxy) => isCalled(proxy, wanted));
    if (found) return context.json(snapshotJson(found, snapshotFor(found)));
    const known = proxies().map(({ workload, namespace }) => `${workload}.${namespace}`);
    return context.json({ error: `no proxy is called ${wanted ?? '(give ?proxy=WORKLOAD)'}`, proxies: known.sort() }, 404);
  });
  return api;
};

const isCalled = ({ id, workload, namespace }: ProxyNode, wanted: string | undefined): boolean =>
  wanted !== undefined && [workload, `${workload}.${namespace}`, id].includes(wanted);

const resourcesOf = (view: StoreView): object[] =>
  view.all.map(({ resource: { apiVersion, kind, metadata, spec }, generation }) => ({ apiVersion, kind, metadata, spec, generation }));

const snapshotJson = ({ id }: ProxyNode, { kinds }: XdsSnapshot): object => {
  const bytes = (kind: keyof typeof kinds) => [...kinds[kind].values()].map(({ any }) => any.value);
  return {
    node: id,
    clusters: bytes('cds').map((value) => Cluster.toJSON(Cluster.decode(value))),
    endpoints: bytes('eds').map((value) => ClusterLoadAssignment.toJSON(ClusterLoadAssignment.decode(value))),
    listeners: bytes('lds').map((value) => Listener.toJSON(Listener.decode(value))),
    secrets: bytes('sds').map((value) => Secret.toJSON(publicPart(Secret.decode(value)))),
    routes: bytes('rds').map((value) => RouteConfiguration.toJSON(RouteConfiguration.decode(value))),
  };
};

/** Certificates and trust are for everybody to see; what is not is left out, whatever it is. */
const publicPart = ({ name, type }: Secret): Secret => {
  if (type?.$case === 'validationContext') return Secret.fromPartial({ name, type });
  if (type?.$case !== 'tlsCertificate') return Secret.fromPartial({ name });
  const { certificateChain } = type.value;
  return Secret.fromPartial({ name, type: { $case: 'tlsCertificate', value: { certificateChain } } });
};
