/** gRPC's own xDS client, which nobody here wrote, calls by a mesh name and follows what is applied. */
import { Client, credentials, Server, ServerCredentials, type ServiceDefinition, type UntypedHandleCall } from '@grpc/grpc-js';
import { register } from '@grpc/grpc-js-xds';
import { expect, onTestFinished, test } from 'vitest';
import { realSystem } from '#system/real-system.ts';
import { startControlPlane } from './control-plane.ts';

const METHOD = '/test.Echo/Say';
const same = (bytes: Buffer): Buffer => bytes;
const SERVICE: ServiceDefinition = {
  Say: {
    path: METHOD,
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  },
};
const HOST = 'echo.default.svc.cluster.local:9080';

/** A program that answers with its name; gives its port. */
const program = async (name: string): Promise<number> => {
  const server = new Server();
  const say: UntypedHandleCall = (_call: unknown, answer: (error: null, value: Buffer) => void) => answer(null, Buffer.from(name));
  server.addService(SERVICE, { Say: say });
  onTestFinished(() => server.forceShutdown());
  return new Promise((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => (error ? reject(error) : resolve(port))),
  );
};

const workload = (version: string, port: number): string => `---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: echo-${version}}
spec: {address: 127.0.0.1, ports: {grpc: ${port}}, labels: {app: echo, version: ${version}}}
`;

const ECHO = `apiVersion: v1
kind: Service
metadata: {name: echo}
spec: {ports: [{port: 9080, name: grpc}], selector: {app: echo}}
`;

const onlyVersion = (version: string): string => `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: echo}
spec: {host: echo, subsets: [{name: ${version}, labels: {version: ${version}}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: echo}
spec: {hosts: [echo], http: [{route: [{destination: {host: echo, subset: ${version}}}]}]}
`;

const bootstrapFor = (port: number | undefined): string =>
  JSON.stringify({
    xds_servers: [{ server_uri: `127.0.0.1:${port}`, channel_creds: [{ type: 'insecure' }], server_features: ['xds_v3'] }],
    node: {
      id: 'sidecar~127.0.0.9~client-v1.default~default.svc.cluster.local',
      cluster: 'client.default',
      locality: { region: '', zone: '', sub_zone: '' },
      metadata: { GENERATOR: 'grpc', LABELS: { app: 'client' } },
    },
  });

test('a call to xds:///HOST:PORT reaches a workload of the service, and after a change only the version that the rule names', async () => {
  const controlPlane = await startControlPlane(
    { xdsAddress: { address: '127.0.0.1', port: 0 }, debounceMs: 5 },
    realSystem({ logLevel: 'error' }),
  );
  onTestFinished(() => controlPlane.close());
  const [one, two] = await Promise.all([program('v1'), program('v2')]);
  controlPlane.apply({ 'echo.yaml': ECHO + workload('v1', one) + workload('v2', two) });
  register();
  const client = new Client(`xds:///${HOST}`, credentials.createInsecure(), {
    'grpc.TEST_ONLY_DO_NOT_USE_IN_PROD.xds_bootstrap_config': bootstrapFor(controlPlane.xdsAddress?.port),
  });
  onTestFinished(() => client.close());
  const call = (): Promise<string> =>
    new Promise((resolve, reject) =>
      client.makeUnaryRequest(METHOD, same, same, Buffer.from('hi'), { deadline: Date.now() + 4_000 }, (error, answer) =>
        error ? reject(error) : resolve(String(answer)),
      ),
    );
  const answers = [await call(), await call(), await call(), await call()];
  expect(new Set(answers)).toEqual(new Set(['v1', 'v2']));
  controlPlane.apply({ 'rule.yaml': onlyVersion('v2') });
  // By turns as before, six calls in a row would not reach the same version.
  const six = async () => new Set([await call(), await call(), await call(), await call(), await call(), await call()]);
  await expect.poll(six, { interval: 5, timeout: 10_000 }).toEqual(new Set(['v2']));
}, 20_000);
