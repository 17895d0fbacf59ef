/** The mesh that a soak brings up for itself: three programs that call each other in a ring, every call under mutual TLS. */
import { type Environment, type StartMode, startEnvironment } from '#environment';

type MeshDefinition = Parameters<StartMode>[0];

/** Each calls the one that follows it. */
export const RING = ['alpha', 'beta', 'gamma'] as const;

/** One workload of the ring. */
export type Member = (typeof RING)[number];

/** Which connection a call takes between the sidecars: one that is kept, or one of its own with a handshake of its own. */
export type Way = 'kept' | 'fresh';

/** What every program listens on, as its service says. */
export const PORT = 9080;

/** Whose sidecar the member's calls go to. */
export const calleeOf = (caller: Member): Member => RING[(RING.indexOf(caller) + 1) % RING.length] ?? caller;

/** Name of the workload. */
export const workloadOf = (member: Member): string => `${member}-v1`;

/** Host that the member is called by. Two services stand before each program, so that the ways can differ. */
export const hostOf = (member: Member, way: Way): string => `${member}-${way}.default.svc.cluster.local`;

const service = (member: Member, way: Way): string => `
apiVersion: v1
kind: Service
metadata:
  name: ${member}-${way}
spec:
  selector: { app: ${member} }
  ports:
  - { name: http, port: ${PORT}, targetPort: ${PORT} }
`;

/** One request a connection on the fresh way: every request needs a handshake. Dialling is given long, since time may be made to flow faster. */
const howTo = (member: Member, way: Way): string => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: ${member}-${way}
spec:
  host: ${hostOf(member, way)}
  trafficPolicy:
    connectionPool:
      tcp: { connectTimeout: 300s }
      http: { maxRequestsPerConnection: ${way === 'fresh' ? 1 : 0} }
`;

const STRICT = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: default
  namespace: istio-system
spec:
  mtls: { mode: STRICT }
`;

const definition: MeshDefinition = {
  name: 'soak',
  workloads: RING.map((app) => ({
    name: workloadOf(app),
    namespace: 'default',
    serviceAccount: app,
    labels: { app, version: 'v1' },
    program: 'sample-apps/echo/main.ts',
    env: { WORKLOAD: workloadOf(app) },
    port: PORT,
  })),
  gateways: [],
  resources: {
    'services.yaml': RING.flatMap((member) => [service(member, 'kept'), service(member, 'fresh')]).join('---'),
    'policies.yaml': [STRICT, ...RING.flatMap((member) => [howTo(member, 'kept'), howTo(member, 'fresh')])].join('---'),
  },
};

/** Of certificates, the shortest there is. */
const LEAF_LIFE_S = 60;

/** Where it runs, and whose time it has: `put forward` by `advanceClocks`. */
export type SoakWorld = 'processes' | 'processes, time put forward' | 'simulation';

/** Begins a mesh; ends with `await using`. Time of a simulated one flows only while somebody lets it. */
export const soakMesh = (world: SoakWorld): Promise<Environment> =>
  startEnvironment(definition, {
    mode: world === 'simulation' ? 'simulation' : 'process',
    dataPlane: 'dinghy',
    name: `soak-${process.pid}`,
    leafLifeSeconds: LEAF_LIFE_S,
    ...(world === 'processes, time put forward' && { instruments: 'clock and tap' }),
  });
