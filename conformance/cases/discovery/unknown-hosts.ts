/** Traffic for which there is no HTTP route: hosts that nobody registered, and ports that are no HTTP. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectContains, expectEqual } from '../../expect.ts';

/** DISC-ANY-001, DISC-TCP-001. */
export const unknownHosts: readonly ConformanceCase[] = [
  defineCase({
    id: 'DISC-ANY-001',
    claim: 'A host that nobody registered is passed on to where its caller dialled, by the route allow_any and PassthroughCluster.',
    source: 'Istio MeshConfig.outboundTrafficPolicy ALLOW_ANY, the default',
    profile: 'core',
    apply: '',
    killedBy: ['MUT-UNKNOWN-HOST-BLOCKED'],
    labs: [],
    async run(mesh) {
      const dialled = `${mesh.address('reviews-v2')}:9080`;
      const answer = await mesh.send({ url: `http://${dialled}/`, headers: { Host: 'nobody.example.test' } });
      expectEqual('status and workload', [answer.status, await answer.servedBy()], [200, 'reviews-v2']);
      const { cluster, route, upstreamHost } = await answer.told();
      expectEqual('route, cluster and endpoint', [route, cluster, upstreamHost], ['allow_any', 'PassthroughCluster', dialled]);
    },
  }),
  defineCase({
    id: 'DISC-TCP-001',
    claim: 'What goes to a port declared TCP is bytes: it reaches the endpoint, and no HTTP request is counted or routed by the sidecar.',
    source: 'Istio protocol selection: port name tcp, protocol TCP',
    profile: 'core',
    apply: '',
    killedBy: ['MUT-TCP-READ-AS-HTTP'],
    labs: [],
    async run(mesh) {
      await mesh.apply(`
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata:
  name: plain
spec:
  hosts: [plain.example.test]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{ number: 9080, name: tcp, protocol: TCP }]
  endpoints: [{ address: ${mesh.address('reviews-v3')}, ports: { tcp: 9080 } }]
`);
      const http = 'http.outbound_0.0.0.0_9080.downstream_rq_total';
      const before = await mesh.stat('productpage-v1', http);
      await using wire = await mesh.dial('productpage-v1', 'plain.example.test:9080');
      wire.write('GET /x HTTP/1.1\r\nHost: whoever\r\nConnection: close\r\n\r\n');
      expectContains('answer', await wire.untilClosed(), '"workload":"reviews-v3"');
      const cluster = 'cluster.outbound|9080||plain.example.test.upstream_cx_total';
      expectEqual('connections of the TCP cluster', await mesh.stat('productpage-v1', cluster), 1);
      expectEqual("HTTP requests at the caller's sidecar", (await mesh.stat('productpage-v1', http)) - before, 0);
    },
  }),
];
