/** Who stands behind a name: Services, WorkloadEntries and ServiceEntries, their ports and weights. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectEqual } from '../../expect.ts';
import { answeredBy } from '../routing/reviews.ts';

const SERVICE_ENTRY = 'Istio ServiceEntry, resolution STATIC; WorkloadEntry';

const shop = (endpoints: readonly string[]): string => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata:
  name: shop
spec:
  hosts: [shop.example.test]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{ number: 80, name: http, protocol: HTTP }]
  endpoints:
${endpoints.map((endpoint) => `  - ${endpoint}\n`).join('')}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: shop
spec:
  host: shop.example.test
  trafficPolicy: { loadBalancer: { simple: ROUND_ROBIN } }
`;

/** DISC-PORT-001, DISC-NS-001. */
export const kubernetesServices: readonly ConformanceCase[] = [
  defineCase({
    id: 'DISC-PORT-001',
    claim: 'A Service is called on its port and its workloads on their targetPort: port 80 leads to programs on 9080.',
    source: 'Kubernetes Service, ports[].targetPort',
    profile: 'core',
    apply: `
apiVersion: v1
kind: Service
metadata:
  name: front
spec:
  selector: { app: reviews, version: v2 }
  ports: [{ name: http, port: 80, targetPort: 9080 }]
`,
    killedBy: ['MUT-TARGET-PORT-IGNORED'],
    labs: [],
    async run(mesh) {
      const answer = await mesh.send({ url: 'http://front/' });
      expectEqual('status and workload', [answer.status, await answer.servedBy()], [200, 'reviews-v2']);
      const { cluster, upstreamHost } = await answer.told();
      expectEqual('cluster', cluster, 'outbound|80||front.default.svc.cluster.local');
      expectEqual('endpoint', upstreamHost, `${mesh.address('reviews-v2')}:9080`);
    },
  }),
  defineCase({
    id: 'DISC-NS-001',
    claim: "A Service selects workloads of its own namespace only: the same labels elsewhere are nobody's.",
    source: 'Kubernetes Service, spec.selector',
    profile: 'core',
    apply: `
apiVersion: v1
kind: Service
metadata:
  name: twins
  namespace: elsewhere
spec:
  selector: { app: reviews }
  ports: [{ name: http, port: 9080 }]
`,
    killedBy: ['MUT-SELECTOR-ACROSS-NAMESPACES'],
    labs: [],
    async run(mesh) {
      const answer = await mesh.send({ url: 'http://twins.elsewhere:9080/' });
      expectEqual('status and flags', [answer.status, (await answer.told()).flags], [503, 'UH']);
    },
  }),
];

/** DISC-SE-001 to 003, DISC-WE-001. */
export const entries: readonly ConformanceCase[] = [
  defineCase({
    id: 'DISC-SE-001',
    claim: 'A ServiceEntry makes its host known, and its endpoints are dialled on their own ports.',
    source: `${SERVICE_ENTRY}.ports`,
    profile: 'core',
    apply: '',
    killedBy: ['MUT-ENDPOINT-PORT-IGNORED'],
    labs: [],
    async run(mesh) {
      await mesh.apply(shop([`{ address: ${mesh.address('reviews-v3')}, ports: { http: 9080 } }`]));
      const answer = await mesh.send({ url: 'http://shop.example.test/' });
      expectEqual('status and workload', [answer.status, await answer.servedBy()], [200, 'reviews-v3']);
      expectEqual('cluster', (await answer.told()).cluster, 'outbound|80||shop.example.test');
    },
  }),
  defineCase({
    id: 'DISC-SE-002',
    claim: 'Endpoints get requests in proportion to their weights: 3 and 1 share 80 requests as 60 and 20.',
    source: `${SERVICE_ENTRY}.weight; Envoy weighted round robin`,
    profile: 'core',
    apply: '',
    killedBy: ['MUT-ENDPOINT-WEIGHT-IGNORED'],
    labs: [],
    async run(mesh) {
      const endpoint = (name: string, weight: number) => `{ address: ${mesh.address(name)}, ports: { http: 9080 }, weight: ${weight} }`;
      await mesh.apply(shop([endpoint('reviews-v1', 3), endpoint('reviews-v2', 1)]));
      const workloads: string[] = [];
      for (let i = 0; i < 80; i++) workloads.push(await (await mesh.send({ url: 'http://shop.example.test/' })).servedBy());
      const heavy = workloads.filter((name) => name === 'reviews-v1').length;
      expectEqual('answers of the endpoint with weight 3, give or take one', [59, 60, 61].includes(heavy) ? 60 : heavy, 60);
    },
  }),
  defineCase({
    id: 'DISC-SE-003',
    claim: 'Endpoints that are taken away get no request after the change, and those that are added do.',
    source: 'Envoy EDS: a host that is no longer listed leaves the load balancer',
    profile: 'core',
    apply: '',
    killedBy: ['MUT-STALE-ENDPOINT-KEPT'],
    labs: [],
    async run(mesh) {
      const endpoint = (name: string) => `{ address: ${mesh.address(name)}, ports: { http: 9080 } }`;
      const who = async () => [...new Set(await answeredBy(mesh, { url: 'http://shop.example.test/' }, 24))].sort();
      await mesh.apply(shop(['reviews-v1', 'reviews-v2'].map(endpoint)));
      expectEqual('workloads before', await who(), ['reviews-v1', 'reviews-v2']);
      await mesh.apply(shop(['reviews-v2', 'reviews-v3'].map(endpoint)));
      expectEqual('workloads after one was exchanged', await who(), ['reviews-v2', 'reviews-v3']);
      await mesh.apply(shop(['reviews-v3'].map(endpoint)));
      expectEqual('workloads after one left', await who(), ['reviews-v3']);
    },
  }),
  defineCase({
    id: 'DISC-WE-001',
    claim: 'A WorkloadEntry stands behind a Service that selects its labels, as a workload does.',
    source: 'Istio WorkloadEntry, labels and ports',
    profile: 'core',
    apply: `
apiVersion: v1
kind: Service
metadata:
  name: machine
spec:
  selector: { app: machine }
  ports: [{ name: http, port: 80 }]
`,
    killedBy: ['MUT-WORKLOAD-ENTRY-IGNORED'],
    labs: [],
    async run(mesh) {
      await mesh.apply(`
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata:
  name: machine
spec:
  address: ${mesh.address('reviews-v3')}
  labels: { app: machine }
  ports: { http: 9080 }
`);
      const answer = await mesh.send({ url: 'http://machine/' });
      expectEqual('status and workload', [answer.status, await answer.servedBy()], [200, 'reviews-v3']);
    },
  }),
];
