/** Routes of connections: by weight, by port, and by the name in a TLS handshake that nobody ends on the way. */
import { type ConformanceCase, defineCase, type MeshUnderTest } from '../../define-case.ts';
import { expectBetween, expectContains, expectEqual } from '../../expect.ts';
import { readEcho } from '../echoed.ts';
import { afterHead, head } from '../protocol/wire.ts';
import { until } from '../waiting.ts';

const LEDGERS = (name: string, workloads: readonly string[], mesh: MeshUnderTest, protocol: string): string => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata:
  name: ${name}
spec:
  hosts: [${name}.example.test]
  addresses: [240.250.0.${name.length}]
  location: MESH_EXTERNAL
  resolution: STATIC
  ports: [{ number: 7000, name: ${protocol.toLowerCase()}, protocol: ${protocol} }]
  endpoints:
${workloads.map((workload, index) => `  - { address: 127.0.0.1, ports: { ${protocol.toLowerCase()}: ${mesh.programPort(workload)} }, labels: { version: v${index + 1} } }`).join('\n')}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: ${name}
spec:
  host: ${name}.example.test
  subsets:
  - { name: v1, labels: { version: v1 } }
  - { name: v2, labels: { version: v2 } }
`;

/** Whoever is at the other end of a connection of bytes. */
const answeredOver = async (mesh: MeshUnderTest, host: string): Promise<string> => {
  await using wire = await mesh.dial('productpage-v1', host);
  wire.write(head('GET / HTTP/1.1', 'Host: bytes', 'Connection: close'));
  return readEcho(afterHead(await wire.untilClosed())).workload;
};

/** First bytes of a TLS 1.2 handshake that asks for that name. */
const clientHello = (serverName: string): string => {
  const u16 = (value: number): string => String.fromCharCode(value >> 8, value & 255);
  const sized = (text: string): string => u16(text.length) + text;
  const name = sized(`\0${sized(serverName)}`);
  const extensions = sized(`${u16(0)}${sized(name)}`);
  const body = `\x03\x03${'r'.repeat(32)}\0${sized(u16(0xc02f))}\x01\0${extensions}`;
  return `\x16\x03\x01${sized(`\x01\0${sized(body)}`)}`;
};

/** TRAF-TCP-001 to 003, TRAF-TLS-001. */
export const byteRoutes: readonly ConformanceCase[] = [
  defineCase({
    id: 'TRAF-TCP-001',
    claim: 'Weights of a tcp route divide connections: 80 and 20 share 500 of them as 80 % and 20 % ± 7 points.',
    source: 'Istio TCPRoute.route.weight; Envoy tcp_proxy weighted_clusters',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      await mesh.apply(`${LEDGERS('bytes', ['reviews-v1', 'reviews-v2'], mesh, 'TCP')}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: bytes
spec:
  hosts: [bytes.example.test]
  tcp:
  - route:
    - { destination: { host: bytes.example.test, subset: v1 }, weight: 80 }
    - { destination: { host: bytes.example.test, subset: v2 }, weight: 20 }
`);
      const workloads: string[] = [];
      const work = async (): Promise<void> => {
        while (workloads.length < 500) workloads.push(await answeredOver(mesh, 'bytes.example.test:7000'));
      };
      await Promise.all(Array.from({ length: 8 }, work));
      const share = workloads.filter((name) => name === 'reviews-v1').length / workloads.length;
      // Deviation 1.8 points: a right splitter fails once in 10,000 runs, one that divides equally never passes.
      expectBetween('share of v1', share, [0.73, 0.87]);
      const counted = await Promise.all(
        ['v1', 'v2'].map((subset) => mesh.stat('productpage-v1', `cluster.outbound|7000|${subset}|bytes.example.test.upstream_cx_total`)),
      );
      expectEqual('connections counted', counted[0] !== undefined && counted[1] !== undefined && counted[0] + counted[1] >= 500, true);
    },
  }),
  defineCase({
    id: 'TRAF-TCP-002',
    claim: 'A tcp match by port decides, the first that matches: the port that is named goes to v2.',
    source: 'Istio L4MatchAttributes.port',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      await mesh.apply(`${LEDGERS('bytes', ['reviews-v1', 'reviews-v2'], mesh, 'TCP')}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: bytes
spec:
  hosts: [bytes.example.test]
  tcp:
  - match: [{ port: 7001 }]
    route: [{ destination: { host: bytes.example.test, subset: v1 } }]
  - match: [{ port: 7000 }]
    route: [{ destination: { host: bytes.example.test, subset: v2 } }]
`);
      const workloads = new Set<string>();
      for (let i = 0; i < 6; i++) workloads.add(await answeredOver(mesh, 'bytes.example.test:7000'));
      expectEqual('workloads', [...workloads], ['reviews-v2']);
    },
  }),
  defineCase({
    id: 'TRAF-TCP-003',
    claim: 'A connection that nobody takes upstream is closed without a byte, and the failure is counted.',
    source: 'Envoy tcp_proxy: response flag UF; upstream_cx_connect_fail',
    profile: 'core',
    apply: `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata:
  name: nobody
spec:
  hosts: [nobody.example.test]
  addresses: [240.250.0.99]
  location: MESH_EXTERNAL
  resolution: STATIC
  ports: [{ number: 7000, name: tcp, protocol: TCP }]
  endpoints: [{ address: 127.0.0.1, ports: { tcp: 1 } }]
`,
    killedBy: [],
    labs: [],
    async run(mesh) {
      const name = 'cluster.outbound|7000||nobody.example.test.upstream_cx_connect_fail';
      const before = await mesh.stat('productpage-v1', name);
      await using wire = await mesh.dial('productpage-v1', 'nobody.example.test:7000');
      wire.write('anybody there?');
      expectEqual('bytes that came', await wire.untilClosed(), '');
      expectEqual('whether a failure was counted', (await mesh.stat('productpage-v1', name)) > before, true);
    },
  }),
  defineCase({
    id: 'TRAF-TLS-001',
    claim:
      'A tls route reads the name in the handshake and leaves the bytes alone: each name leads to its subset, an unlisted one to neither.',
    source: 'Istio TLSRoute.match.sniHosts; Envoy filter_chain_match.server_names',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      await mesh.apply(`${LEDGERS('sealed', ['reviews-v1', 'reviews-v2'], mesh, 'TLS').replace('hosts: [sealed.example.test]', 'hosts: [sealed.example.test, one.sealed.test, two.sealed.test]')}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: sealed
spec:
  hosts: [one.sealed.test, two.sealed.test]
  tls:
  - match: [{ port: 7000, sniHosts: [one.sealed.test] }]
    route: [{ destination: { host: sealed.example.test, subset: v1 } }]
  - match: [{ port: 7000, sniHosts: [two.sealed.test] }]
    route: [{ destination: { host: sealed.example.test, subset: v2 } }]
`);
      const counts = () =>
        Promise.all(
          ['v1', 'v2'].map((subset) =>
            mesh.stat('productpage-v1', `cluster.outbound|7000|${subset}|sealed.example.test.upstream_cx_total`),
          ),
        );
      const greet = async (name: string): Promise<number[]> => {
        const before = await counts();
        await using wire = await mesh.dial('productpage-v1', 'sealed.example.test:7000');
        wire.write(clientHello(name));
        // The program speaks no TLS: what matters is whom the bytes went to.
        const risen = async () => (await counts()).map((count, index) => count - (before[index] ?? 0));
        return await until('connections upstream', risen, (rose) => rose.some((count) => count > 0), 'one');
      };
      expectEqual('connections to v1 and v2 for the first name', await greet('one.sealed.test'), [1, 0]);
      expectEqual('connections to v1 and v2 for the second name', await greet('two.sealed.test'), [0, 1]);
      expectContains('first bytes of the handshake', clientHello('two.sealed.test'), 'two.sealed.test');
    },
  }),
];
