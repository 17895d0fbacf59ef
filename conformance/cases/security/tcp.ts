/** Policies on a port whose bytes the mesh does not read: they end connections, and fields of HTTP mean nothing there. */
import { type ConformanceCase, defineCase, type MeshUnderTest } from '../../define-case.ts';
import { expectEqual } from '../../expect.ts';
import { HOST, head } from '../protocol/wire.ts';
import { PRODUCTPAGE, policy } from './policies.ts';
import { answerInPlainText, answerOver, expectToldWhy, fate, mode, SERVED } from './strangers.ts';

const SOURCE = 'Istio AuthorizationPolicy on TCP ports';

const ledgerPolicy = (spec: string): string => policy(`selector: { matchLabels: { app: ledger } }\n${spec}`);

const from = (source: string): string => `rules: [{ from: [{ source: ${source} }] }]`;
const to = (operation: string): string => `rules: [{ to: [{ operation: ${operation} }] }]`;

/** What a program gets from ledger through its sidecar: the first line of the answer, or `refused`. */
const asks = async (mesh: MeshUnderTest, workload: string): Promise<string> => {
  await using wire = await mesh.dial(workload, 'ledger.default.svc.cluster.local:9080');
  wire.write(head('GET / HTTP/1.1', HOST, 'Connection: close'));
  return fate(await wire.untilClosed());
};

const fates = async (mesh: MeshUnderTest): Promise<readonly string[]> => [
  await asks(mesh, 'productpage-v1'),
  await asks(mesh, 'visitor-v1'),
];

const ALL = [SERVED, SERVED];
const NOBODY = ['refused', 'refused'];
const PRODUCTPAGE_ONLY = [SERVED, 'refused'];
const VISITOR_ONLY = ['refused', SERVED];

/** SEC-TCP-001 to 006. */
export const tcpSecurity: readonly ConformanceCase[] = [
  defineCase({
    id: 'SEC-TCP-001',
    claim: 'ALLOW on a TCP port lets the connections of its principals pass and ends all others without a byte.',
    source: SOURCE,
    profile: 'core',
    apply: ledgerPolicy(`action: ALLOW\n${from(`{ principals: ["${PRODUCTPAGE}"] }`)}`),
    killedBy: ['MUT-TCP-POLICY-IGNORED'],
    labs: [],
    async run(mesh) {
      expectEqual('fates of productpage and the visitor', await fates(mesh), PRODUCTPAGE_ONLY);
      expectEqual('fate of plain text', fate(await answerInPlainText(mesh, 'ledger-v1')), 'refused');
    },
  }),
  defineCase({
    id: 'SEC-TCP-002',
    claim: 'DENY on a TCP port ends the connections of its principals, and of its ports, and lets all others pass.',
    source: SOURCE,
    profile: 'core',
    apply: ledgerPolicy(`action: DENY\n${from(`{ principals: ["${PRODUCTPAGE}"] }`)}`),
    killedBy: ['MUT-TCP-POLICY-IGNORED'],
    labs: [],
    async run(mesh) {
      expectEqual('fates of productpage and the visitor', await fates(mesh), VISITOR_ONLY);
      await mesh.apply(ledgerPolicy(`action: DENY\n${to('{ ports: ["9080"] }')}`));
      expectEqual('fates when the port is denied', await fates(mesh), NOBODY);
      await mesh.apply(ledgerPolicy(`action: DENY\n${to('{ ports: ["9081"] }')}`));
      expectEqual('fates when another port is denied', await fates(mesh), ALL);
    },
  }),
  defineCase({
    id: 'SEC-TCP-003',
    claim: 'ALLOW that asks for fields of HTTP allows nothing on a TCP port.',
    source: `${SOURCE}: HTTP-only fields make an ALLOW rule never match`,
    profile: 'core',
    apply: ledgerPolicy(`action: ALLOW\n${to('{ methods: [GET] }')}`),
    killedBy: ['MUT-TCP-ALLOW-HTTP-FIELDS'],
    labs: [],
    async run(mesh) {
      expectEqual('fates under methods', await fates(mesh), NOBODY);
      await mesh.apply(ledgerPolicy(`action: ALLOW\n${to('{ ports: ["9080"] }')}`));
      expectEqual('fates under the port', await fates(mesh), ALL);
    },
  }),
  defineCase({
    id: 'SEC-TCP-004',
    claim: 'DENY that asks for fields of HTTP and for others is judged by the others alone on a TCP port, so it denies more.',
    source: `${SOURCE}: HTTP-only fields of a DENY rule are ignored`,
    profile: 'core',
    apply: ledgerPolicy(`action: DENY\n${to('{ methods: [POST], ports: ["9080"] }')}`),
    killedBy: ['MUT-TCP-DENY-HTTP-FIELDS'],
    labs: [],
    async run(mesh) {
      expectEqual('fates of two that GET', await fates(mesh), NOBODY);
      await mesh.apply(ledgerPolicy(`action: DENY\n${to('{ methods: [POST], ports: ["9081"] }')}`));
      expectEqual('fates when another port is meant', await fates(mesh), ALL);
    },
  }),
  defineCase({
    id: 'SEC-TCP-005',
    claim: 'On a TCP port too a principal may be a suffix, a prefix, or anybody with an identity.',
    source: SOURCE,
    profile: 'core',
    apply: ledgerPolicy(`action: ALLOW\n${from('{ principals: ["*/sa/bookinfo-productpage"] }')}`),
    killedBy: ['MUT-PRINCIPAL-SUFFIX-IGNORED'],
    labs: [],
    async run(mesh) {
      expectEqual('fates under a suffix', await fates(mesh), PRODUCTPAGE_ONLY);
      await mesh.apply(ledgerPolicy(`action: ALLOW\n${from('{ principals: ["cluster.local/ns/elsewhere/*"] }')}`));
      expectEqual('fates under a prefix', await fates(mesh), VISITOR_ONLY);
      await mesh.apply(ledgerPolicy(`action: ALLOW\n${from('{ principals: ["*"] }')}`));
      expectEqual('fates under *', await fates(mesh), ALL);
      expectEqual('fate of plain text under *', fate(await answerInPlainText(mesh, 'ledger-v1')), 'refused');
    },
  }),
  defineCase({
    id: 'SEC-TCP-006',
    claim: 'STRICT holds on a TCP port: plain text and foreign certificates end without a byte, sidecars are served.',
    source: 'Istio PeerAuthentication STRICT',
    profile: 'core',
    apply: mode('STRICT', { app: 'ledger' }),
    killedBy: ['MUT-STRICT-TAKES-PLAIN-TEXT'],
    labs: [],
    async run(mesh) {
      expectEqual('fates of productpage and the visitor', await fates(mesh), ALL);
      expectEqual('fate of plain text', fate(await answerInPlainText(mesh, 'ledger-v1')), 'refused');
      await expectToldWhy(mesh, 'ledger-v1', 'plain text');
      expectEqual('fate of a foreign root', fate(await answerOver(mesh, 'ledger-v1', { signedBy: 'foreign', alpn: ['istio'] })), 'refused');
      expectEqual('fate of the mesh’s root', fate(await answerOver(mesh, 'ledger-v1', { signedBy: 'mesh', alpn: ['istio'] })), SERVED);
    },
  }),
];
