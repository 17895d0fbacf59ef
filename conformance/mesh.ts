/** The mesh that the suite brings up for itself: Bookinfo's names with the scripted echo behind each, so that labs' cases mean the same there. */
import type { StartMode } from '#environment';

type MeshDefinition = Parameters<StartMode>[0];
type WorkloadDefinition = MeshDefinition['workloads'][number];

const workload = (app: string, version: string): WorkloadDefinition => ({
  name: `${app}-${version}`,
  namespace: 'default',
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

/** Four programs and a gateway. */
export const conformanceMesh: MeshDefinition = {
  name: 'conformance',
  workloads: [workload('productpage', 'v1'), ...['v1', 'v2', 'v3'].map((version) => workload('reviews', version))],
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
