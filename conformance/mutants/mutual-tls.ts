/** Switched-on bugs of mutual TLS: who must show a certificate, which one is believed, and who says so. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts of programs, which are no templates here
import type { Mutant } from './mutant.ts';

const CONTEXTS = 'controlplane/translate/tls-contexts.ts';
const MODES = 'controlplane/mesh/effective-policy.ts';
const CHAINS = 'controlplane/translate/listeners/inbound-listeners.ts';
const CLUSTERS = 'controlplane/translate/clusters/transport-security.ts';

/** In the order of their names. */
export const MUTUAL_TLS_MUTANTS: readonly Mutant[] = [
  {
    id: 'MUT-ALIASES-IGNORED',
    wrong: 'a mesh goes by the newest name of its trust domain only',
    file: 'controlplane/mesh/mesh.ts',
    find: '...new Set([trustDomain, ...trustDomainAliases])',
    replace: 'trustDomain',
  },
  {
    id: 'MUT-ALPN-MISSING',
    wrong: 'sidecars offer no protocol, so that a PERMISSIVE server does not know them',
    file: CONTEXTS,
    find: 'alpnProtocols: [...alpnProtocols],',
    replace: '',
  },
  {
    id: 'MUT-ANY-CLIENT-CERTIFICATE',
    wrong: 'a client may do without a certificate',
    file: CONTEXTS,
    find: 'requireClientCertificate: { value: true },',
    replace: '',
  },
  {
    id: 'MUT-AUTO-MTLS-OFF',
    wrong: 'sidecars speak to each other in plain text when no rule says otherwise',
    file: 'controlplane/translate/endpoints/load-assignment.ts',
    find: '...(isMutual && { metadata: MUTUAL }),',
    replace: '',
  },
  {
    id: 'MUT-DISABLE-IGNORED',
    wrong: 'a port that should take plain text only takes mutual TLS too',
    file: CHAINS,
    find: 'const modeOf = hasIdentity(proxy.labels) ? inboundModes(mesh, proxy) :',
    replace:
      "const modeOf = hasIdentity(proxy.labels) ? (port: number) => (inboundModes(mesh, proxy)(port) === 'STRICT' ? ('STRICT' as const) : ('PERMISSIVE' as const)) :",
  },
  {
    id: 'MUT-DISABLE-NOT-FOLLOWED',
    wrong: 'sidecars speak mutual TLS to a port that takes plain text only',
    file: 'controlplane/translate/endpoints/endpoints.ts',
    find: "hasIdentity(workload.labels) && inboundModes(mesh, workload)(port) !== 'DISABLE'",
    replace: 'hasIdentity(workload.labels)',
  },
  {
    id: 'MUT-EXPIRY-IGNORED',
    wrong: 'certificates are good at any time',
    file: 'proxy/system/tls/tls-failures.ts',
    find: "if (nowMs > notAfterMs) return 'certificate has expired';",
    replace: '',
  },
  {
    id: 'MUT-FIRST-NAME-ONLY',
    wrong: 'of a certificate with several names policies see the first',
    file: 'proxy/filters/rbac/principals.ts',
    find: 'peer.uris.some(test)',
    replace: 'peer.uris.slice(0, 1).some(test)',
  },
  {
    id: 'MUT-FOREIGN-ROOT-TRUSTED',
    wrong: 'whoever signed a certificate, it is believed',
    file: 'proxy/tls/live-context.ts',
    find: '...(trust?.current && { trustedRoots: trust.current.trustedRoots }),',
    replace: '',
  },
  {
    id: 'MUT-IDENTITY-FROM-HEADER',
    wrong: 'who calls is what stands first in x-forwarded-client-cert',
    file: 'proxy/filters/rbac/principals.ts',
    find: 'return (_request, { downstream }) => {\n    const { peerIdentity, tls } = downstream;',
    replace:
      "return ({ headers }, { downstream }) => {\n    const { tls } = downstream; const [, told] = /URI=([^;,]+)/.exec(headers.get('x-forwarded-client-cert') ?? '') ?? []; const peerIdentity = told ?? downstream.peerIdentity;",
  },
  {
    id: 'MUT-MIN-VERSION-IGNORED',
    wrong: 'TLS 1.2 is spoken where the mesh wants 1.3 at least',
    file: CONTEXTS,
    find: 'tlsMinimumProtocolVersion: VERSIONS[minimum],',
    replace: 'tlsMinimumProtocolVersion: VERSIONS.TLSV1_2,',
  },
  {
    id: 'MUT-PEER-PRECEDENCE',
    wrong: 'the policy of the mesh goes before that of a namespace, and that before a workload’s',
    file: MODES,
    find: '[ofWorkload, ofNamespace, ofMesh].map(',
    replace: '[ofMesh, ofNamespace, ofWorkload].map(',
  },
  {
    id: 'MUT-PEER-YOUNGEST-WINS',
    wrong: 'of two policies at one level the younger holds',
    file: MODES,
    find: 'const policies = peerAuthentications.map(({ resource }) => resource);',
    replace: 'const policies = peerAuthentications.map(({ resource }) => resource).toReversed();',
  },
  {
    id: 'MUT-PERMISSIVE-REFUSES-PLAIN-TEXT',
    wrong: 'PERMISSIVE takes mutual TLS only',
    file: CHAINS,
    find: "chain({ transportProtocol: 'raw_buffer' }),",
    replace: '',
  },
  {
    id: 'MUT-PERMISSIVE-TAKES-ANY-TLS',
    wrong: 'every TLS client of a PERMISSIVE server counts as one of the mesh’s',
    file: CHAINS,
    find: "chain({ transportProtocol: 'tls', applicationProtocols: [...MESH_PROTOCOLS] }, secured)",
    // Where bytes are served the program's own TLS has a chain beside it, which would be the same.
    replace: "chain({ transportProtocol: 'tls', ...(isTcp && { applicationProtocols: [...MESH_PROTOCOLS] }) }, secured)",
  },
  {
    id: 'MUT-PORT-MODE-IGNORED',
    wrong: 'a port has the mode of its workload, whatever is said of the port',
    file: MODES,
    find: 'firstSet([ofWorkload?.spec.portLevelMtls?.[String(port)]?.mode, whole])',
    replace: 'firstSet([ofWorkload && whole, whole])',
  },
  {
    id: 'MUT-RULE-DISABLE-IGNORED',
    wrong: 'a DestinationRule cannot ask for plain text',
    file: CLUSTERS,
    find: "if (tls?.mode === 'DISABLE') return {};",
    replace: '',
  },
  {
    id: 'MUT-RULE-SIMPLE-IS-MUTUAL',
    wrong: 'a client that should show nothing shows its certificate',
    file: CLUSTERS,
    find: "if (tls?.mode === 'SIMPLE' || tls?.mode === 'MUTUAL') {",
    replace: "if (tls?.mode === 'MUTUAL') {",
  },
  {
    id: 'MUT-SAN-BY-SUBSTRING',
    wrong: 'a server whose name contains the expected one will do',
    file: 'proxy/tls/peer-names.ts',
    find: 'if (sanType === URI) return ({ uris }) => uris.some(test);',
    replace: "if (sanType === URI) return ({ uris }) => uris.some((uri) => uri.includes(matcher.matchPattern?.value ?? ''));",
  },
  {
    id: 'MUT-SERVER-NAME-UNCHECKED',
    wrong: 'any workload of the mesh may answer for a service',
    file: 'proxy/tls/client-handshakes.ts',
    find: 'return this.#settings.refuses?.(peer);',
    replace: 'return undefined;',
  },
  {
    id: 'MUT-SNI-WITHOUT-PORT',
    wrong: 'the server name that sidecars ask for has no port',
    file: CLUSTERS,
    find: '`outbound_.${port.number}_.',
    replace: '`outbound_._.',
  },
  {
    id: 'MUT-STRICT-TAKES-PLAIN-TEXT',
    wrong: 'STRICT takes plain text as well',
    file: CHAINS,
    find: "return [chain({ transportProtocol: 'tls' }, secured)];",
    replace: "return [chain({ transportProtocol: 'tls' }, secured), chain({ transportProtocol: 'raw_buffer' })];",
  },
  {
    id: 'MUT-TRUST-DOMAIN-IGNORED',
    wrong: 'a name of any trust domain is one of this mesh, when the root fits',
    file: CONTEXTS,
    find: 'value: `spiffe://${domain}/` })',
    replace: "value: 'spiffe://' })",
  },
  {
    id: 'MUT-UNSET-IS-PERMISSIVE',
    wrong: 'UNSET is a mode of its own: both are taken',
    file: MODES,
    find: "mode !== undefined && mode !== 'UNSET')",
    replace: 'mode !== undefined)',
  },
];
