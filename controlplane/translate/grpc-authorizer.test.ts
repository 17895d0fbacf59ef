import { expect, test } from 'vitest';
import { HttpProtocolOptions } from '#envoy';
import { translated } from './translate.fixture.ts';

const OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const SERVICES = `
apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: default }
spec:
  selector: { app: reviews }
  ports:
  - { name: http, port: 8000, targetPort: 8000 }
  - { name: grpc, port: 9000, targetPort: 9080 }
`;
const provider = (service: string): string => `---
apiVersion: v1
kind: ConfigMap
metadata: { name: istio, namespace: istio-system }
data:
  mesh: |-
    extensionProviders:
    - { name: rpc, envoyExtAuthzGrpc: { service: ${service}, port: 9000 } }
`;
const HOST = 'reviews.default.svc.cluster.local';

const seen = (yaml: string) => {
  const { clusters, listeners } = translated(yaml);
  const protocolOf = (port: number): string | undefined => {
    const any = clusters.find(({ name }) => name === `outbound|${port}||${HOST}`)?.typedExtensionProtocolOptions[OPTIONS];
    const options = any && HttpProtocolOptions.decode(any.value).upstreamProtocolOptions;
    return options?.$case === 'explicitHttpConfig' ? options.value.protocolConfig?.$case : undefined;
  };
  const inbound = listeners.find(({ name }) => name === 'virtualInbound');
  const filters = inbound?.filterChains
    .filter(({ filterChainMatch }) => filterChainMatch?.destinationPort === 9080)
    .map((chain) => chain.filters.at(-1)?.name.split('.').at(-1));
  return { http: protocolOf(8000), grpc: protocolOf(9000), filters: [...new Set(filters)] };
};

test.each([HOST, `default/${HOST}`])(
  'an authorizer that is asked over gRPC (%s) is reached over HTTP/2, through a sidecar that passes bytes',
  (service) => {
    expect(seen(SERVICES + provider(service))).toEqual({ http: undefined, grpc: 'http2ProtocolOptions', filters: ['tcp_proxy'] });
  },
);

test.each([
  ['of another service', `other/${HOST}`],
  ['of nobody', 'gone.example'],
])('an authorizer %s changes no port', (_, service) => {
  expect(seen(SERVICES + provider(service))).toEqual({ http: undefined, grpc: undefined, filters: ['http_connection_manager'] });
});
