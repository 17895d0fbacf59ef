/** What cases about mutual TLS share: policies for modes, clients that the case makes itself, and how those fare. */
import { type MeshUnderTest, PROBE_USER_AGENT, type Shaken, type Stranger } from '../../define-case.ts';
import { expectContains, HandshakeFailed } from '../../expect.ts';
import { HOST, head } from '../protocol/wire.ts';

/** As certificates name them. */
export const SPIFFE = {
  productpage: 'spiffe://cluster.local/ns/default/sa/bookinfo-productpage',
  reviews: 'spiffe://cluster.local/ns/default/sa/bookinfo-reviews',
  visitor: 'spiffe://cluster.local/ns/elsewhere/sa/bookinfo-visitor',
} as const;

/** What sidecars offer to each other; by it a PERMISSIVE server knows the mesh's own clients. */
export const MESH_ALPN = ['istio-http/1.1', 'istio', 'http/1.1'] as const;

/** A client that any server of the mesh takes for productpage. */
export const LIKE_PRODUCTPAGE: Stranger = { signedBy: 'mesh', alpn: MESH_ALPN };

type Mode = 'STRICT' | 'PERMISSIVE' | 'DISABLE' | 'UNSET';

interface ModePlace {
  readonly name?: string;
  readonly namespace?: string;
  /** Label `app` of the workloads; all of the namespace when absent. */
  readonly app?: string;
  /** Mode of port 9080. */
  readonly port?: Mode;
  readonly createdAt?: string;
}

/** A PeerAuthentication. */
export const mode = (mtls: Mode, { name = 'under-test', namespace = 'default', app, port, createdAt }: ModePlace = {}): string => `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: ${name}
  namespace: ${namespace}
${createdAt === undefined ? '' : `  creationTimestamp: "${createdAt}"\n`}spec:
${app === undefined ? '' : `  selector: { matchLabels: { app: ${app} } }\n`}  mtls: { mode: ${mtls} }
${port === undefined ? '' : `  portLevelMtls: { 9080: { mode: ${port} } }\n`}`;

/** DestinationRule for reviews; tls: YAML flow. */
export const reviewsTls = (tls: string): string => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: reviews-tls
  namespace: default
spec:
  host: reviews
  trafficPolicy: { tls: ${tls} }
`;

/** The mesh's settings; text: YAML, not indented. */
export const meshSettings = (text: string): string => `
apiVersion: v1
kind: ConfigMap
metadata:
  name: istio
  namespace: istio-system
data:
  mesh: |
${text.trim().replace(/^/gm, '    ')}
`;

let asked = 0;

/** The bytes of one request, and the probe by which the callee's record is found. */
export const oneRequest = (...fields: readonly string[]): { readonly bytes: string; readonly probe: string } => {
  const probe = `stranger-${process.pid}-${++asked}`;
  const agent = `User-Agent: ${PROBE_USER_AGENT}/${probe}`;
  return { probe, bytes: head('GET /reviews/0 HTTP/1.1', HOST, agent, ...fields, 'Connection: close') };
};

/** Everything that the workload answers to one request over TLS; empty: it refused, in the handshake or right after it. */
export const answerOver = async (
  mesh: MeshUnderTest,
  workload: string,
  stranger: Stranger,
  bytes = oneRequest().bytes,
): Promise<string> => {
  let shaken: Shaken;
  try {
    shaken = await mesh.shake(workload, 9080, stranger);
  } catch (error) {
    if (error instanceof HandshakeFailed) return '';
    throw error;
  }
  await using wire = shaken;
  wire.write(bytes);
  return await wire.untilClosed();
};

/** Everything that the workload answers to one request in plain text; empty: it refused. */
export const answerInPlainText = async (mesh: MeshUnderTest, workload: string, bytes = oneRequest().bytes): Promise<string> => {
  await using wire = await mesh.reach(workload, 9080);
  wire.write(bytes);
  return await wire.untilClosed();
};

/** Version and status of an answer, or `refused`. Programs word their reasons as they like. */
export const fate = (answer: string): string => /^HTTP\/1\.1 \d{3}/.exec(answer)?.[0] ?? (answer === '' ? 'refused' : answer);

/** What a served request looks like. */
export const SERVED = 'HTTP/1.1 200';

/** What one that a policy denies looks like. */
export const FORBIDDEN = 'HTTP/1.1 403';

/** That proxy's own words on a connection which it turned away. Our control plane asks for them; istiod does not. */
export const expectToldWhy = async (mesh: MeshUnderTest, workload: string, text: string): Promise<void> => {
  if (mesh.configuredBy === 'dinghy') expectContains('what the proxy said', await mesh.turnedAway(workload, 'STRICT'), text);
};
