/** The mesh that the suite brings up for itself: Bookinfo's names with the scripted echo behind each, so that labs' cases mean the same there. */
import type { StartMode } from '#environment';

type MeshDefinition = Parameters<StartMode>[0];
type WorkloadDefinition = MeshDefinition['workloads'][number];

const workload = (app: string, version: string, namespace = 'default'): WorkloadDefinition => ({
  name: `${app}-${version}`,
  namespace,
  serviceAccount: `bookinfo-${app}`,
  labels: { app, version },
  program: 'sample-apps/echo/main.ts',
  env: { WORKLOAD: `${app}-${version}` },
  port: 9080,
});

const service = (app: string): string => `
apiVersion: v1
kind: Service
metadata:
  name: ${app}
  labels: { app: ${app} }
spec:
  selector: { app: ${app} }
  ports:
  - { name: http, port: 9080, targetPort: 9080 }
`;

/** Five programs and a gateway. `visitor-v1` lives in another namespace and behind no service: what namespaces mean is seen from there. */
export const conformanceMesh: MeshDefinition = {
  name: 'conformance',
  workloads: [
    workload('productpage', 'v1'),
    ...['v1', 'v2', 'v3'].map((version) => workload('reviews', version)),
    workload('visitor', 'v1', 'elsewhere'),
  ],
  gateways: [
    {
      name: 'ingressgateway',
      namespace: 'default',
      serviceAccount: 'ingressgateway',
      labels: { app: 'ingressgateway', istio: 'ingressgateway' },
      ports: [8080],
    },
  ],
  resources: { 'services.yaml': ['productpage', 'reviews'].map(service).join('---') },
};
