/** What is sent when, and to whom: order, names, versions, and workloads that come and go. */

import { ClusterLoadAssignment, type DiscoveryResponse, RouteConfiguration } from '#envoy';
import { type ConformanceCase, defineCase, type MeshUnderTest } from '../../define-case.ts';
import { expectEqual, expectThat } from '../../expect.ts';
import { REVIEWS_SUBSETS, reviewsRules, to } from '../routing/reviews.ts';
import { type ForeignClient, foreignClient } from './foreign-client.ts';

const CHANGE = reviewsRules(`- ${to('v2')}`);
const QUIET_MS = 300;
const SUBSET_CLUSTER = 'outbound|9080|v2|reviews.default.svc.cluster.local';
const REVIEWS_CLUSTER = 'outbound|9080||reviews.default.svc.cluster.local';
const NEWCOMER = 'outbound|9080||newcomer.default.svc.cluster.local';

/** Takes the next response of a kind and acknowledges it. */
const taken = async (client: ForeignClient, kind: 'cds' | 'lds'): Promise<DiscoveryResponse> => {
  const response = await client.next(kind);
  client.acknowledge(response);
  return response;
};

const holds = ({ resources }: DiscoveryResponse, text: string): boolean => resources.some(({ value }) => Buffer.from(value).includes(text));

const routeNames = ({ resources }: DiscoveryResponse): string[] =>
  resources.map(({ value }) => RouteConfiguration.decode(value).name).sort();

const standing = async (mesh: MeshUnderTest, workload: string) => {
  const status = await mesh.sync();
  const proxy = status.proxies.find((one) => one.workload === workload);
  return { mesh: status.version, proxy: proxy?.version ?? -1, cds: proxy?.kinds.cds };
};

/** XDS-ORDER-001 to 002, XDS-NAMES-001, XDS-SYNC-001. */
export const xdsOrdering: readonly ConformanceCase[] = [
  defineCase({
    id: 'XDS-ORDER-001',
    claim: 'Routes to a new subset are held back until its cluster is acknowledged: nobody is routed to what is not there yet.',
    source: 'xDS protocol, "Eventual consistency considerations": make before break',
    profile: 'core',
    dataPlanes: ['dinghy'],
    apply: '',
    killedBy: ['MUT-ROUTES-BEFORE-CLUSTERS'],
    labs: [],
    async run(mesh) {
      using client = foreignClient(mesh.openAds, 'foreign-order');
      client.subscribe('cds');
      await taken(client, 'cds');
      client.subscribe('rds', ['9080']);
      client.acknowledge(await client.next('rds'), ['9080']);
      await mesh.apply(CHANGE);
      const clusters = await client.next('cds');
      expectThat('first response to the change', holds(clusters, SUBSET_CLUSTER), `CDS with ${SUBSET_CLUSTER}`, 'CDS without it');
      expectThat('before its ACK', await client.silent('rds', QUIET_MS), 'no RDS response', 'routes to the new cluster');
      client.acknowledge(clusters);
      const routes = await client.next('rds');
      expectThat('after its ACK', holds(routes, SUBSET_CLUSTER), `RDS with ${SUBSET_CLUSTER}`, 'RDS without it');
    },
  }),
  defineCase({
    id: 'XDS-ORDER-002',
    claim: 'A cluster that is gone is taken away last, when the routes without it are acknowledged, and then it is taken away.',
    source: 'xDS protocol, "Eventual consistency considerations": stale CDS clusters are removed last',
    profile: 'core',
    dataPlanes: ['dinghy'],
    apply: '',
    killedBy: ['MUT-BREAK-BEFORE-MAKE'],
    labs: [],
    async run(mesh) {
      await mesh.apply(CHANGE);
      using client = foreignClient(mesh.openAds, 'foreign-removal');
      client.subscribe('cds');
      await taken(client, 'cds');
      client.subscribe('rds', ['9080']);
      client.acknowledge(await client.next('rds'), ['9080']);
      await mesh.remove(CHANGE);
      // The service's other cluster changes with its rule: it comes first, and the one that is gone is still with it.
      const changed = await taken(client, 'cds');
      expectThat('clusters before the routes', holds(changed, SUBSET_CLUSTER), 'still with the subset', 'without it');
      const routes = await client.next('rds');
      expectThat('routes after the removal', !holds(routes, SUBSET_CLUSTER), 'without the subset', 'still to the subset');
      expectThat('before their ACK', await client.silent('cds', QUIET_MS), 'no CDS response', 'the cluster was taken away first');
      client.acknowledge(routes, ['9080']);
      const clusters = await client.next('cds');
      expectThat('clusters after their ACK', !holds(clusters, SUBSET_CLUSTER), 'without the subset', 'still with it');
      client.acknowledge(clusters);
    },
  }),
  defineCase({
    id: 'XDS-NAMES-001',
    claim: 'Routes come by name: a client gets those it asks for and no others, and one more as soon as it asks for it.',
    source: 'xDS protocol, "How the client specifies what resources to return"',
    profile: 'core',
    dataPlanes: ['dinghy'],
    apply: `
apiVersion: v1
kind: Service
metadata:
  name: front
spec:
  selector: { app: reviews }
  ports: [{ name: http, port: 80, targetPort: 9080 }]
`,
    killedBy: ['MUT-NAMES-IGNORED'],
    labs: [],
    async run(mesh) {
      using client = foreignClient(mesh.openAds, 'foreign-names');
      client.subscribe('rds', ['9080']);
      const one = await client.next('rds');
      expectEqual('names of the first response', routeNames(one), ['9080']);
      client.acknowledge(one, ['9080', '80']);
      const both = await client.next('rds');
      expectEqual('names after one more was asked for', routeNames(both), ['80', '9080']);
      client.acknowledge(both, ['9080', '80']);
      expectThat('after that', await client.silent('rds', QUIET_MS), 'silence', 'another RDS response');
    },
  }),
  defineCase({
    id: 'XDS-SYNC-001',
    claim: 'Each change raises the version of the mesh by one; a proxy stands for it when it has acknowledged everything, and not before.',
    source: 'istioctl proxy-status: SYNCED and STALE; issue: "wait for proxy P acknowledged version V"',
    profile: 'core',
    dataPlanes: ['dinghy'],
    apply: '',
    killedBy: ['MUT-VERSION-NOT-RAISED', 'MUT-SYNCED-WHILE-WAITING'],
    labs: [],
    async run(mesh) {
      using client = foreignClient(mesh.openAds, 'foreign-sync');
      for (const kind of ['cds', 'lds'] as const) {
        client.subscribe(kind);
        await taken(client, kind);
      }
      for (const [kind, name] of [
        ['rds', '9080'],
        ['eds', REVIEWS_CLUSTER],
      ] as const) {
        client.subscribe(kind, [name]);
        client.acknowledge(await client.next(kind), [name]);
      }
      const before = await standing(mesh, 'foreign-sync');
      await mesh.apply(REVIEWS_SUBSETS);
      const change = await client.next('cds');
      const during = await standing(mesh, 'foreign-sync');
      expectEqual('version of the mesh after one change', during.mesh, before.mesh + 1);
      expectThat('version of the proxy before its ACK', during.proxy < during.mesh, `below ${during.mesh}`, during.proxy);
      expectEqual('state of CDS before its ACK', during.cds?.state, 'STALE');
      client.acknowledge(change);
      expectThat('after the ACK', await client.silent('cds', QUIET_MS), 'silence', 'another CDS response');
      const after = await standing(mesh, 'foreign-sync');
      expectEqual('state of CDS after its ACK', after.cds?.state, 'SYNCED');
      expectEqual('version of the proxy after its ACK', after.proxy, after.mesh);
      await mesh.apply(REVIEWS_SUBSETS);
      expectEqual('version after the same was applied again', (await mesh.sync()).version, after.mesh);
    },
  }),
];

const endpointsIn = ({ resources }: DiscoveryResponse): number =>
  resources.flatMap(({ value }) => ClusterLoadAssignment.decode(value).endpoints.flatMap(({ lbEndpoints }) => lbEndpoints)).length;

/** DISC-LIVE-001. */
export const xdsWorkloads: readonly ConformanceCase[] = [
  defineCase({
    id: 'DISC-LIVE-001',
    claim: 'A workload stands behind its Service as soon as its proxy connects, and leaves it when the proxy has stayed away.',
    source: 'Istio: endpoints follow the workloads that are there; Envoy EDS',
    profile: 'core',
    dataPlanes: ['dinghy'],
    apply: `
apiVersion: v1
kind: Service
metadata:
  name: newcomer
spec:
  selector: { app: foreign-newcomer }
  ports: [{ name: http, port: 9080 }]
`,
    killedBy: ['MUT-NEWCOMER-NOT-PUSHED', 'MUT-GONE-WORKLOAD-KEPT'],
    labs: [],
    async run(mesh) {
      using watcher = foreignClient(mesh.openAds, 'foreign-watcher');
      const nextCount = async (): Promise<number> => {
        const response = await watcher.next('eds');
        watcher.acknowledge(response, [NEWCOMER]);
        return endpointsIn(response);
      };
      watcher.subscribe('eds', [NEWCOMER]);
      expectEqual('endpoints before', await nextCount(), 0);
      {
        using newcomer = foreignClient(mesh.openAds, 'foreign-newcomer');
        newcomer.subscribe('cds');
        await taken(newcomer, 'cds');
        expectEqual('endpoints when it has connected', await nextCount(), 1);
      }
      expectEqual('endpoints when it has gone', await nextCount(), 0);
    },
  }),
];
