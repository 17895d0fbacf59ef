import { expect, test } from 'vitest';
import { toIstiod } from './without-kubernetes.ts';

const vipOf = (host: string): string => `vip of ${host}`;

test('a Service becomes a ServiceEntry for the same name, ports and workloads, with an address of its own', () => {
  const { documents, unread } = toIstiod(
    `
apiVersion: v1
kind: Service
metadata: { name: ledger, namespace: bank, labels: { app: ledger } }
spec:
  selector: { app: ledger }
  ports: [{ name: grpc-api, port: 80, targetPort: 9080 }, { port: 7000 }, { name: api, port: 81, appProtocol: http2 }]
`,
    vipOf,
  );
  expect(unread).toEqual([]);
  expect(documents).toEqual([
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'ServiceEntry',
      metadata: { name: 'service-ledger', namespace: 'bank', labels: { app: 'ledger' } },
      spec: {
        hosts: ['ledger.bank.svc.cluster.local'],
        addresses: ['vip of ledger.bank.svc.cluster.local'],
        location: 'MESH_INTERNAL',
        resolution: 'STATIC',
        ports: [
          { number: 80, name: 'grpc-api', protocol: 'GRPC', targetPort: 9080 },
          { number: 7000, name: 'tcp-7000', protocol: 'TCP', targetPort: 7000 },
          { number: 81, name: 'api', protocol: 'HTTP2', targetPort: 81 },
        ],
        workloadSelector: { labels: { app: 'ledger' } },
      },
    },
  ]);
});

test('Istio’s own resources pass as they are, in the namespace default when they name none', () => {
  const yaml = 'apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: { name: all }\nspec: { mtls: { mode: STRICT } }\n';
  expect(toIstiod(yaml, vipOf).documents).toEqual([
    {
      apiVersion: 'security.istio.io/v1',
      kind: 'PeerAuthentication',
      metadata: { name: 'all', namespace: 'default' },
      spec: { mtls: { mode: 'STRICT' } },
    },
  ]);
});

test('a ServiceEntry keeps the addresses that it has, and only one with one plain host gets any', () => {
  const entry = (spec: string) => `apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: { name: one }\nspec: ${spec}\n`;
  const addresses = (spec: string) =>
    toIstiod(entry(spec), vipOf).documents.map((document) => (document.spec as { addresses?: unknown }).addresses);
  expect(addresses('{ hosts: [a.test] }')).toEqual([['vip of a.test']]);
  expect(addresses('{ hosts: [a.test], addresses: [10.0.0.1] }')).toEqual([['10.0.0.1']]);
  expect(addresses('{ hosts: ["*.test"] }')).toEqual([undefined]);
  expect(addresses('{ hosts: [a.test, b.test] }')).toEqual([undefined]);
});

test('the ConfigMap of the mesh is its configuration, and what only Kubernetes has is named', () => {
  const yaml = `
apiVersion: v1
kind: ConfigMap
metadata: { name: istio, namespace: istio-system }
data: { mesh: "trustDomain: other" }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: route, namespace: shop }
`;
  expect(toIstiod(yaml, vipOf)).toEqual({ documents: [], meshConfig: { trustDomain: 'other' }, unread: ['HTTPRoute shop/route'] });
});

test('what is no YAML is told with its place', () => {
  expect(() => toIstiod('a: [', vipOf)).toThrow(/line 1/);
});
