/** What the ingress gateway lets in. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectEqual, expectThat } from '../../expect.ts';
import { echoOf, header, seen } from '../echoed.ts';

const GATEWAY = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata:
  name: bookinfo-gateway
spec:
  selector:
    istio: ingressgateway
  servers:
  - port: { number: 8080, name: http, protocol: HTTP }
    hosts: ["*"]
`;

/** Routes as in Istio's samples/bookinfo/networking/bookinfo-gateway.yaml. */
const BOOKINFO = `${GATEWAY}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: bookinfo
spec:
  hosts: ["*"]
  gateways: [bookinfo-gateway]
  http:
  - match:
    - uri: { exact: /productpage }
    - uri: { prefix: /static }
    - uri: { exact: /login }
    - uri: { exact: /logout }
    - uri: { prefix: /api/v1/products }
    route:
    - destination: { host: productpage, port: { number: 9080 } }
`;

const outside = (path: string) => ({ from: 'gateway', url: `http://gateway:8080${path}` });

/** GW-ROUTE-001 to 004. */
export const gateway: readonly ConformanceCase[] = [
  defineCase({
    id: 'GW-ROUTE-001',
    claim: 'A Gateway without a VirtualService answers 404 with an empty body and the flag NR.',
    source: 'Istio Gateway: a listener without routes; Envoy response flag NR',
    profile: 'core',
    apply: GATEWAY,
    killedBy: [],
    labs: [],
    async run(mesh) {
      const answer = await mesh.send(outside('/productpage'));
      expectEqual('status and body', [answer.status, answer.body], [404, '']);
      expectEqual('flags', (await answer.told()).flags, 'NR');
    },
  }),
  defineCase({
    id: 'GW-ROUTE-002',
    claim: "Bookinfo's gateway routes let /productpage, /static/… and /api/v1/products in, and nothing else.",
    source: 'istio/samples/bookinfo/networking/bookinfo-gateway.yaml',
    profile: 'core',
    apply: BOOKINFO,
    killedBy: [],
    labs: [],
    async run(mesh) {
      for (const path of ['/productpage', '/productpage?u=normal', '/api/v1/products']) {
        const answer = await mesh.send(outside(path));
        expectEqual(`status of ${path}`, answer.status, 200);
        expectEqual(`workload that answered ${path}`, await answer.servedBy(), 'productpage-v1');
      }
      for (const path of ['/', '/productpage/', '/unknown']) {
        const answer = await mesh.send(outside(path));
        expectEqual(`status and flags of ${path}`, [answer.status, (await answer.told()).flags], [404, 'NR']);
      }
    },
  }),
  defineCase({
    id: 'GW-ROUTE-003',
    claim: 'A VirtualService without gateways does not apply at the ingress gateway.',
    source: 'Istio VirtualService.gateways: "if this field is omitted, the default gateway (mesh) will be used"',
    profile: 'core',
    apply: `${GATEWAY}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: productpage
spec:
  hosts: [productpage]
  http:
  - route: [{ destination: { host: productpage } }]
`,
    killedBy: ['MUT-MESH-AT-GATEWAY'],
    labs: [],
    async run(mesh) {
      for (const host of ['productpage', 'productpage.default.svc.cluster.local']) {
        const answer = await mesh.send({ ...outside('/productpage'), headers: { Host: host } });
        expectEqual(`status for Host: ${host}`, answer.status, 404);
      }
    },
  }),
  defineCase({
    id: 'GW-HDR-001',
    claim: 'The gateway is an edge: it replaces x-request-id, appends the client to x-forwarded-for, and answers as istio-envoy.',
    source: 'Envoy HTTP connection manager, use_remote_address; Istio gateway listener serverName',
    profile: 'core',
    apply: BOOKINFO,
    killedBy: [],
    labs: [],
    async run(mesh) {
      const answer = await mesh.send({ ...outside('/productpage'), headers: { 'x-request-id': 'mine', 'x-forwarded-for': '192.0.2.9' } });
      const echoed = echoOf(answer);
      expectThat('x-request-id at the program', seen(echoed, 'x-request-id')[0] !== 'mine', 'another than the client sent', 'mine');
      // On loopback Envoy appends an address of the host instead of 127.x: that one was appended is what counts.
      const forwarded = seen(echoed, 'x-forwarded-for').join(',');
      expectThat(
        'x-forwarded-for at the program',
        /^192\.0\.2\.9,\d+\.\d+\.\d+\.\d+$/.test(forwarded),
        '192.0.2.9 and one address more',
        forwarded,
      );
      expectEqual('server', header(answer, 'server'), 'istio-envoy');
    },
  }),
];
