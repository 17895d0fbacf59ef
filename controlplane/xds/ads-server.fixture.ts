/** An ADS server over a mesh that is just a list of cluster names. */
import { TYPE_URLS } from '#api/kinds.ts';
import { Cluster, DiscoveryRequest, Node } from '#envoy';
import { simulatedSystem } from '#system/simulated-system.ts';
import { AdsServer } from './ads-server.ts';
import { buildXdsSnapshot } from './snapshot.ts';

/** The id of the one proxy that these tests know. */
export const NODE_ID = 'sidecar~127.96.1.2~reviews-v1.default~default.svc.cluster.local';

/** Changing `mesh` and calling `server.push()` is a change of configuration. broken: a workload that translation fails for. */
export const adsServer = () => {
  const mesh = { version: 1, clusters: ['a'], broken: '' };
  const announced: string[] = [];
  const system = simulatedSystem();
  const server = new AdsServer({
    system,
    version: () => mesh.version,
    pushPending: () => false,
    snapshotFor: ({ workload }) => {
      if (workload === mesh.broken) throw new Error('cannot be translated');
      return buildXdsSnapshot({
        clusters: mesh.clusters.map((name) => Cluster.fromPartial({ name })),
        endpoints: [],
        listeners: [],
        routes: [],
      });
    },
    announce: ({ workload }) => {
      announced.push(workload);
      return () => void announced.splice(announced.indexOf(workload), 1);
    },
  });
  return { server, mesh, announced, system };
};

/** A first request, or with a nonce its ACK. */
export const cdsRequest = (nonce = '', id = NODE_ID): DiscoveryRequest =>
  DiscoveryRequest.fromPartial({ typeUrl: TYPE_URLS.cds, responseNonce: nonce, ...(nonce === '' && { node: Node.fromPartial({ id }) }) });
