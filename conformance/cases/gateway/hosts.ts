/** Which Gateway opens what for whom: selectors, hosts, ports, and several VirtualServices on one host. */
import { type Ask, type ConformanceCase, defineCase, type MeshUnderTest } from '../../define-case.ts';
import { expectEqual, expectThat, Mismatch } from '../../expect.ts';
import { header } from '../echoed.ts';
import { expectVersion, REVIEWS_SUBSETS } from '../routing/reviews.ts';

const SHOP = 'shop.example.test';

const gateway = (name: string, hosts: string, selector = 'ingressgateway'): string => `---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata:
  name: ${name}
spec:
  selector: { istio: ${selector} }
  servers:
  - port: { number: 8080, name: http, protocol: HTTP }
    hosts: ["${hosts}"]
`;

interface Bound {
  readonly name: string;
  readonly hosts: string;
  readonly gateways: string;
  readonly namespace?: string;
  readonly rules?: string;
}

const TO_V1 = '- route: [{ destination: { host: reviews.default.svc.cluster.local, subset: v1 } }]';

const bound = ({ name, hosts, gateways, namespace = 'default', rules = TO_V1 }: Bound): string => `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: ${name}
  namespace: ${namespace}
spec:
  hosts: ["${hosts}"]
  gateways: ${gateways}
  http:
${rules.trim().replace(/^/gm, '  ')}
`;

const outside = (host: string, path = '/'): Ask => ({ from: 'gateway', url: `http://gateway:8080${path}`, headers: { Host: host } });

const expectStatus = async (mesh: MeshUnderTest, host: string, status: number): Promise<void> =>
  expectEqual(`status for Host: ${host}`, (await mesh.send(outside(host))).status, status);

/** GW-HOST-001 to 003. */
export const gatewayHosts: readonly ConformanceCase[] = [
  defineCase({
    id: 'GW-HOST-001',
    claim:
      'A Gateway lets in the hosts that it lists and no others: a VirtualService for * serves those, one for another host serves nobody.',
    source: 'Istio Gateway, Server.hosts; *.example.com covers dev.example.com, not example.com',
    profile: 'core',
    apply: `${REVIEWS_SUBSETS}${gateway('front', '*.example.test')}
${bound({ name: 'all', hosts: '*', gateways: '[front]' })}${bound({ name: 'other', hosts: 'other.test', gateways: '[front]' })}`,
    killedBy: ['MUT-GATEWAY-HOSTS-IGNORED'],
    labs: [],
    async run(mesh) {
      await expectStatus(mesh, SHOP, 200);
      await expectStatus(mesh, `${SHOP}:8080`, 200);
      await expectStatus(mesh, 'example.test', 404);
      await expectStatus(mesh, 'other.test', 404);
    },
  }),
  defineCase({
    id: 'GW-HOST-002',
    claim: 'A Gateway host written as namespace/host is served by VirtualServices of that namespace only.',
    source: 'Istio Gateway, Server.hosts: "namespace/dnsName"',
    profile: 'core',
    apply: `${REVIEWS_SUBSETS}${gateway('front', 'elsewhere/*')}
${bound({ name: 'here', hosts: 'here.test', gateways: '[front]' })}
${bound({ name: 'there', hosts: 'there.test', gateways: '[default/front]', namespace: 'elsewhere' })}`,
    killedBy: [],
    labs: [],
    async run(mesh) {
      await expectStatus(mesh, 'there.test', 200);
      await expectStatus(mesh, 'here.test', 404);
    },
  }),
  defineCase({
    id: 'GW-HOST-003',
    claim: 'A Gateway opens its hosts on the proxies that its selector chooses, and on no other.',
    source: 'Istio Gateway.selector',
    profile: 'core',
    apply: `${REVIEWS_SUBSETS}${gateway('ours', SHOP)}${gateway('theirs', 'theirs.test', 'egressgateway')}
${bound({ name: 'both', hosts: '*', gateways: '[ours, theirs]' })}`,
    killedBy: ['MUT-GATEWAY-SELECTOR-IGNORED'],
    labs: [],
    async run(mesh) {
      await expectStatus(mesh, SHOP, 200);
      await expectStatus(mesh, 'theirs.test', 404);
    },
  }),
];

/** GW-ROUTE-004 to 006, GW-PORT-001. */
export const gatewayRoutes: readonly ConformanceCase[] = [
  defineCase({
    id: 'GW-ROUTE-004',
    claim: 'Two VirtualServices for one host on a gateway are one list, oldest first, and a catch-all moves to its end.',
    source: 'Istio, "split large virtual services": on gateways the rules are merged; pilot SortVHostRoutes',
    profile: 'core',
    apply: `${REVIEWS_SUBSETS}${gateway('front', SHOP)}
${bound({ name: 'z-older', hosts: SHOP, gateways: '[front]' })}
${bound({
  name: 'a-younger',
  hosts: SHOP,
  gateways: '[front]',
  rules: `
- match: [{ uri: { prefix: /v2 } }]
  route: [{ destination: { host: reviews, subset: v2 } }]
- route: [{ destination: { host: reviews, subset: v3 } }]`,
})}`,
    killedBy: ['MUT-GATEWAY-FIRST-ONLY'],
    labs: [],
    async run(mesh) {
      await expectVersion(mesh, 'at /v2, a rule of the younger', outside(SHOP, '/v2'), 'v2');
      await expectVersion(mesh, 'at /, where both have a catch-all', outside(SHOP), 'v1');
    },
  }),
  defineCase({
    id: 'GW-ROUTE-005',
    claim:
      "A match's own gateways replace the list of its VirtualService: a rule for the mesh is not there at the gateway, and the other way round.",
    source: 'Istio VirtualService, HTTPMatchRequest.gateways',
    profile: 'core',
    apply: `${REVIEWS_SUBSETS}${gateway('front', '*')}
${bound({
  name: 'reviews',
  hosts: 'reviews.default.svc.cluster.local',
  gateways: '[mesh, front]',
  rules: `
- match: [{ gateways: [mesh] }]
  route: [{ destination: { host: reviews, subset: v2 } }]
- match: [{ gateways: [front] }]
  route: [{ destination: { host: reviews, subset: v3 } }]`,
})}`,
    killedBy: [],
    labs: [],
    async run(mesh) {
      await expectVersion(mesh, 'inside', {}, 'v2');
      await expectVersion(mesh, 'through the gateway', outside('reviews.default.svc.cluster.local'), 'v3');
    },
  }),
  defineCase({
    id: 'GW-ROUTE-006',
    claim: 'A VirtualService that names only a gateway leaves the sidecars as they were: every version answers inside.',
    source: 'Istio VirtualService.gateways: sidecars are meant by the reserved word mesh',
    profile: 'core',
    apply: `${REVIEWS_SUBSETS}${gateway('front', '*')}
${bound({ name: 'reviews', hosts: 'reviews.default.svc.cluster.local', gateways: '[front]' })}`,
    killedBy: [],
    labs: [],
    async run(mesh) {
      const answers = await mesh.sendMany({ url: 'http://reviews:9080/' }, 60);
      const workloads = await Promise.all(answers.map((answer) => answer.servedBy()));
      expectEqual('workloads that answered inside', [...new Set(workloads)].sort(), ['reviews-v1', 'reviews-v2', 'reviews-v3']);
      await expectVersion(mesh, 'through the gateway', outside('reviews.default.svc.cluster.local'), 'v1');
    },
  }),
  defineCase({
    id: 'GW-PORT-001',
    claim: 'A gateway listens where a Gateway says so: without one nobody can connect, with one its port answers.',
    source: 'Istio Gateway, Server.port',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      const refused = await mesh.send(outside(SHOP)).then(
        ({ status }) => `answered ${status}`,
        (error: unknown) => (error instanceof Mismatch ? error.message : 'refused'),
      );
      expectEqual('connection without a Gateway', refused, 'refused');
      await mesh.apply(gateway('front', '*'));
      await expectStatus(mesh, SHOP, 404);
    },
  }),
  defineCase({
    id: 'GW-TLS-001',
    claim: 'httpsRedirect answers a plain request 301 to https, with the same host, path and query.',
    source: 'Istio Gateway, ServerTLSSettings.httpsRedirect',
    profile: 'core',
    apply: `${REVIEWS_SUBSETS}${gateway('front', SHOP)}    tls: { httpsRedirect: true }
${bound({ name: 'shop', hosts: SHOP, gateways: '[front]' })}`,
    killedBy: [],
    labs: [],
    async run(mesh) {
      const answer = await mesh.send(outside(SHOP, '/cart?id=1'));
      expectEqual('status', answer.status, 301);
      expectThat(
        'location',
        header(answer, 'location') === `https://${SHOP}/cart?id=1`,
        'the same under https',
        header(answer, 'location'),
      );
    },
  }),
];
