/** The smallest mesh with a choice to make: a caller, and a callee in two versions. */
import type { MeshDefinition, WorkloadDefinition } from './definition.ts';
import type { Environment } from './mode.ts';
import { OUTBOUND_PORT } from './seats.ts';

/** A scripted program: `callee-v1`. */
export const workload = (app: string, version: string): WorkloadDefinition => ({
  name: `${app}-${version}`,
  namespace: 'default',
  serviceAccount: app,
  labels: { app, version },
  program: 'sample-apps/echo/main.ts',
  env: { WORKLOAD: `${app}-${version}` },
  port: 9080,
});

/** No gateway. */
export const twoVersions: MeshDefinition = {
  name: 'two-versions',
  workloads: [workload('caller', 'v1'), workload('callee', 'v1'), workload('callee', 'v2')],
  gateways: [],
  resources: {
    'services.yaml': `
apiVersion: v1
kind: Service
metadata: { name: callee }
spec: { selector: { app: callee }, ports: [{ name: http, port: 9080 }] }
`,
  },
};

/** A connection as the caller's program would open it to the callee, with one request on it. */
export const askCallee = async (environment: Environment, headers = '') => {
  const { address } = environment.workloads[0] ?? { address: '' };
  const connection = await environment.connect(address, OUTBOUND_PORT);
  const vip = (await environment.vips())['callee.default.svc.cluster.local'];
  connection.write(`PROXY TCP4 ${address} ${vip} 40000 9080\r\nGET /x HTTP/1.1\r\nHost: callee:9080\r\n${headers}\r\n`);
  return connection;
};
