/** A program asked past its own sidecar: what it does with bytes and connections is what the caller's proxy sees. */
import type { MeshUnderTest } from '../define-case.ts';

/** Whom the caller asks then. */
export const DIRECT_URL = 'http://direct.example.test/';

/** As statistics name it. */
export const DIRECT_CLUSTER = 'cluster.outbound|80||direct.example.test';

/** An endpoint at which nobody listens. */
export const NOBODY = 'nobody';

/** The host, with the programs of those workloads as its endpoints. policy, rule: YAML flow of a trafficPolicy, and of what a rule has beside its route. */
export const direct = (
  mesh: MeshUnderTest,
  {
    workloads = ['reviews-v1'],
    policy,
    rule,
  }: { readonly workloads?: readonly string[]; readonly policy?: string; readonly rule?: string } = {},
): string => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata:
  name: direct
spec:
  hosts: [direct.example.test]
  location: MESH_EXTERNAL
  resolution: STATIC
  ports: [{ number: 80, name: http, protocol: HTTP }]
  endpoints:
${workloads.map((workload) => `  - { address: 127.0.0.1, ports: { http: ${workload === NOBODY ? 1 : mesh.programPort(workload)} } }`).join('\n')}
${
  policy === undefined
    ? ''
    : `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: direct
spec:
  host: direct.example.test
  trafficPolicy: ${policy}
`
}${
  rule === undefined
    ? ''
    : `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: direct
spec:
  hosts: [direct.example.test]
  http:
  - route: [{ destination: { host: direct.example.test } }]
    ${rule}
`
}`;
