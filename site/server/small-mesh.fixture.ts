/** A mesh of one caller and one callee for tests of the site: a control plane's answers, a gateway, and exchanges that the test tells. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Exchange } from '#api/exchange.ts';
import type { LiveMesh } from './live-mesh.ts';

/** An exchange with everything filled in. */
export const exchange = (fields: Partial<Exchange>): Exchange => ({
  reporter: 'productpage-v1',
  side: 'outbound',
  startedAt: '2026-01-01T00:00:00.000Z',
  requestId: 'request-1',
  method: 'GET',
  path: '/reviews/0',
  authority: 'reviews:9080',
  status: 200,
  flags: '-',
  details: 'via_upstream',
  durationMs: 5,
  cluster: 'outbound|9080||reviews.default.svc.cluster.local',
  upstreamHost: '127.96.1.2:9080',
  upstreamLocal: '127.96.1.1:40000',
  downstreamRemote: '127.96.1.1:20001',
  downstreamLocal: '240.240.0.1:9080',
  route: 'default',
  ruleResource: '',
  ruleField: '',
  attempts: 1,
  attemptLog: [],
  bytesSent: 10,
  userAgent: 'dinghy-load',
  downstreamPeer: '',
  downstreamTls: '',
  upstreamPeer: '',
  upstreamTls: '',
  security: 'none',
  transportFailure: '',
  ...fields,
});

const REVIEWS = 'outbound|9080|v2|reviews.default.svc.cluster.local';
const socketAddress = (address: string, port_value: number) => ({ socket_address: { address, port_value } });

/** A proxy of one listener, one ruled route, one cluster and one endpoint. */
const CONFIG_DUMP = {
  configs: [
    {
      '@type': 'type.googleapis.com/envoy.admin.v3.ListenersConfigDump',
      dynamic_listeners: [
        {
          active_state: {
            listener: {
              name: 'virtualInbound',
              address: socketAddress('127.96.1.1', 15006),
              traffic_direction: 'INBOUND',
              filter_chains: [{ filters: [{ name: 'http', typed_config: { rds: { route_config_name: '9080' } } }] }],
            },
          },
        },
      ],
    },
    {
      '@type': 'type.googleapis.com/envoy.admin.v3.RoutesConfigDump',
      dynamic_route_configs: [
        {
          route_config: {
            name: '9080',
            virtual_hosts: [
              {
                name: 'reviews',
                domains: ['reviews.default.svc.cluster.local', 'reviews'],
                routes: [
                  {
                    match: { prefix: '/' },
                    route: { cluster: REVIEWS },
                    metadata: {
                      filter_metadata: { 'dinghy.source': { resource: 'VirtualService default/reviews', fieldPath: 'spec.http[0]' } },
                    },
                  },
                ],
              },
            ],
          },
        },
      ],
    },
    {
      '@type': 'type.googleapis.com/envoy.admin.v3.ClustersConfigDump',
      dynamic_active_clusters: [{ cluster: { name: REVIEWS, type: 'EDS' } }],
    },
  ],
};

const PAGES: Readonly<Record<string, unknown>> = {
  '/resources': [
    {
      kind: 'VirtualService',
      namespace: 'default',
      name: 'reviews',
      apiVersion: 'networking.istio.io/v1',
      file: 'bookinfo.yaml',
      line: 1,
      createdAt: '2026-01-01T00:00:00Z',
      yaml: 'kind: VirtualService\nmetadata:\n  name: reviews\nspec:\n  http:\n  - route:\n    - destination: { host: reviews, subset: v2 }\n',
      problems: [],
    },
  ],
  '/debug/vips': { 'reviews.default.svc.cluster.local': '240.240.0.1' },
  '/server_info': { version: 'dinghy', state: 'LIVE', uptime_current_epoch: '75s' },
  '/config_dump': CONFIG_DUMP,
  '/clusters?format=json': {
    cluster_statuses: [
      {
        name: REVIEWS,
        host_statuses: [
          {
            address: socketAddress('127.96.1.3', 9080),
            stats: [{ name: 'rq_total', value: '12' }],
            health_status: { eds_health_status: 'HEALTHY' },
          },
        ],
      },
    ],
  },
};

const KINDS = ['cds', 'eds', 'lds', 'rds'] as const;

/** A proxy that acknowledged everything up to that version, and refused the routes of `refused`, if anything. */
const syncOf = (workload: string, version: number, refused?: { readonly version: string; readonly reason: string }) => ({
  node: workload,
  workload,
  namespace: 'default',
  connectedAt: '2026-01-01T00:00:00.000Z',
  version,
  kinds: Object.fromEntries(
    KINDS.map((kind) => [
      kind,
      kind === 'rds' && refused !== undefined
        ? { sent: refused.version, acknowledged: String(version), resources: 1, state: 'ERROR', refused }
        : { sent: String(version), acknowledged: String(version), resources: 1, state: 'SYNCED' },
    ]),
  ),
});

/** LIVING STATE: as much of a control plane as the pages can tell from one. `weigth` is an error on its line, `unknown-cluster` is refused by reviews-v2. */
class SmallControlPlane {
  readonly #workloads: readonly string[];
  #version = 1;
  #refusal = '';

  constructor(workloads: readonly string[]) {
    this.#workloads = workloads;
  }

  answer(path: string, body: string): unknown {
    if (path === '/debug/syncz') return this.#sync();
    if (path === '/analyze') return { applied: [], problems: problemsOf(body), version: this.#version };
    if (path === '/apply') return this.#apply(body);
    return PAGES[path];
  }

  #apply(body: string): unknown {
    const problems = problemsOf(body);
    if (problems.length > 0) return { applied: [], problems, version: this.#version };
    this.#version++;
    this.#refusal = body.includes('unknown-cluster') ? 'unknown cluster' : '';
    const applied = [{ kind: 'VirtualService', namespace: 'default', name: 'reviews', outcome: 'configured' }];
    return { applied, problems, version: this.#version };
  }

  #sync(): unknown {
    const refused = { version: String(this.#version), reason: this.#refusal };
    const refuses = (workload: string) => workload === 'reviews-v2' && this.#refusal !== '';
    return {
      version: this.#version,
      proxies: this.#workloads.map((workload) =>
        refuses(workload) ? syncOf(workload, this.#version - 1, refused) : syncOf(workload, this.#version),
      ),
    };
  }
}

const problemsOf = (body: string): readonly object[] => {
  const [yaml = ''] = Object.values((JSON.parse(body) as { files: Record<string, string> }).files);
  const line = yaml.split('\n').findIndex((candidate) => candidate.includes('weigth')) + 1;
  if (line === 0) return [];
  const message = 'unknown field "weigth"; did you mean "weight"?';
  return [
    { severity: 'error', code: '', resource: 'VirtualService default/reviews', path: 'spec', message, file: 'a.yaml', line, column: 3 },
  ];
};

/** The mesh, with a way to tell an exchange. */
export interface SmallMesh extends AsyncDisposable {
  readonly mesh: LiveMesh;
  tell(exchange: Exchange): void;
}

/** Starts it on free ports. */
export const startSmallMesh = async (): Promise<SmallMesh> => {
  const listeners = new Set<(told: Exchange) => void>();
  const controlPlane = new SmallControlPlane(['ingress-gateway', 'productpage-v1', 'reviews-v1', 'reviews-v2']);
  const server: Server = createServer(async (request, response) => {
    const page = controlPlane.answer(request.url ?? '', await text(request));
    response.statusCode = page === undefined ? 404 : 200;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(page ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const workload = (name: string, host: number) => ({ name, namespace: 'default', address: `127.96.1.${host}`, adminUrl: url });
  return {
    mesh: {
      name: 'bookinfo',
      mode: 'process',
      dataPlane: 'dinghy',
      controlPlane: { url, token: 'secret' },
      gateways: [{ name: 'ingress-gateway', url, adminUrl: url }],
      workloads: [workload('productpage-v1', 1), workload('reviews-v1', 2), workload('reviews-v2', 3)],
      exchanges: {
        subscribe: (listener) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      },
    },
    tell: (told) => {
      for (const listener of listeners) listener(told);
    },
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
};
