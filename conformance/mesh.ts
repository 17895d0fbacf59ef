/** The mesh that the suite brings up for itself: Bookinfo's names with the scripted echo behind each, so that labs' cases mean the same there. */
import type { StartMode } from '#environment';

type MeshDefinition = Parameters<StartMode>[0];
type WorkloadDefinition = MeshDefinition['workloads'][number];

const workload = (
  name: string,
  app: string,
  { namespace = 'default', serviceAccount = `bookinfo-${app}`, version = 'v1' }: Partial<WorkloadDefinition & { version: string }> = {},
): WorkloadDefinition => ({
  name,
  namespace,
  serviceAccount,
  labels: { app, version },
  program: 'sample-apps/echo/main.ts',
  env: { WORKLOAD: name },
  port: 9080,
});

/** port: its name says what is spoken. */
const service = (app: string, namespace = 'default', port = 'http'): string => `
apiVersion: v1
kind: Service
metadata:
  name: ${app}
  namespace: ${namespace}
  labels: { app: ${app} }
spec:
  selector: { app: ${app} }
  ports:
  - { name: ${port}, port: 9080, targetPort: 9080 }
`;

/**
 * Eight programs and a gateway. `visitor-v1` lives in another namespace and behind no service: what namespaces mean is seen from there. What `ledger` is asked
 * are bytes to the mesh; the namespace `production` is that of the project's founding text.
 */
export const conformanceMesh: MeshDefinition = {
  name: 'conformance',
  workloads: [
    workload('productpage-v1', 'productpage'),
    ...['v1', 'v2', 'v3'].map((version) => workload(`reviews-${version}`, 'reviews', { version })),
    workload('visitor-v1', 'visitor', { namespace: 'elsewhere' }),
    workload('ledger-v1', 'ledger'),
    workload('production-productpage', 'productpage', { namespace: 'production', serviceAccount: 'productpage' }),
    workload('production-reviews', 'reviews', { namespace: 'production', serviceAccount: 'reviews' }),
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
  resources: {
    'services.yaml': [
      service('productpage'),
      service('reviews'),
      service('ledger', 'default', 'tcp'),
      service('productpage', 'production'),
      service('reviews', 'production'),
    ].join('---'),
  },
};
