/** Bookinfo: four services, reviews in three versions, behind one ingress gateway. */
import type { MeshDefinition, WorkloadDefinition } from './definition.ts';

const workload = (app: string, version: string): WorkloadDefinition => ({
  name: `${app}-${version}`,
  namespace: 'default',
  serviceAccount: `bookinfo-${app}`,
  labels: { app, version },
  program: `sample-apps/bookinfo/${app}/main.ts`,
  env: { SERVICE_VERSION: version },
  port: 9080,
});

const service = (app: string): string => `apiVersion: v1
kind: Service
metadata: {name: ${app}, namespace: default, labels: {app: ${app}, service: ${app}}}
spec:
  selector: {app: ${app}}
  ports: [{port: 9080, name: http}]
`;

const GATEWAY = `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: bookinfo-gateway, namespace: default}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 8080, name: http, protocol: HTTP}, hosts: ["*"]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: bookinfo, namespace: default}
spec:
  hosts: ["*"]
  gateways: [bookinfo-gateway]
  http:
  - route: [{destination: {host: productpage, port: {number: 9080}}}]
`;

/** The definition that `dinghy up` starts. */
export const bookinfo: MeshDefinition = {
  name: 'bookinfo',
  workloads: [
    workload('details', 'v1'),
    workload('ratings', 'v1'),
    ...['v1', 'v2', 'v3'].map((version) => workload('reviews', version)),
    workload('productpage', 'v1'),
  ],
  gateways: [
    {
      name: 'istio-ingressgateway',
      namespace: 'istio-system',
      serviceAccount: 'istio-ingressgateway-service-account',
      labels: { app: 'istio-ingressgateway', istio: 'ingressgateway' },
      ports: [8080],
    },
  ],
  resources: { 'services.yaml': ['details', 'ratings', 'reviews', 'productpage'].map(service).join('---\n'), 'gateway.yaml': GATEWAY },
};
