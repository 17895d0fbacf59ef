/** The list: which apiVersion and kind is which resource, its shape, and what is checked beyond the shape. */
import { destinationRuleShape } from './destination-rule.ts';
import { envoyFilterShape } from './envoy-filter.ts';
import { gatewayShape } from './gateway.ts';
import { meshSettingsShape } from './mesh/settings.ts';
import type { Complaint } from './problem.ts';
import type { ActiveKind } from './resource.ts';
import { authorizationPolicyShape } from './security/authorization-policy.ts';
import { peerAuthenticationShape } from './security/peer-authentication.ts';
import { requestAuthenticationShape } from './security/request-authentication.ts';
import { serviceShape } from './service.ts';
import { serviceEntryShape } from './service-entry.ts';
import { nearest, type Shape } from './shape.ts';
import { validateDestinationRule } from './validation/destination-rule.ts';
import { validateEnvoyFilter } from './validation/envoy-filter.ts';
import { validateGateway } from './validation/gateway.ts';
import { validateMeshSettings } from './validation/mesh-settings.ts';
import { validateAuthorizationPolicy } from './validation/security/authorization-policy.ts';
import { validatePeerAuthentication } from './validation/security/peer-authentication.ts';
import { validateRequestAuthentication } from './validation/security/request-authentication.ts';
import { validateService } from './validation/service.ts';
import { validateServiceEntry, validateWorkloadEntry } from './validation/service-entry.ts';
import { validateVirtualService } from './validation/virtual-service.ts';
import { virtualServiceShape } from './virtual-service.ts';
import { workloadEntryShape } from './workload-entry.ts';

/** A kind that this mesh acts on. */
export interface KindRow {
  readonly kind: ActiveKind;
  readonly apiVersions: readonly string[];
  readonly shape: Shape<unknown>;
  /** Paths in its complaints start at `spec`. */
  readonly validate: (spec: never) => readonly Complaint[];
}

const SECURITY = ['security.istio.io/v1', 'security.istio.io/v1beta1'];
const ISTIO = ['networking.istio.io/v1', 'networking.istio.io/v1beta1', 'networking.istio.io/v1alpha3'];

/** Every active kind. */
export const KINDS: readonly KindRow[] = [
  { kind: 'VirtualService', apiVersions: ISTIO, shape: virtualServiceShape, validate: validateVirtualService },
  { kind: 'DestinationRule', apiVersions: ISTIO, shape: destinationRuleShape, validate: validateDestinationRule },
  { kind: 'Gateway', apiVersions: ISTIO, shape: gatewayShape, validate: validateGateway },
  { kind: 'ServiceEntry', apiVersions: ISTIO, shape: serviceEntryShape, validate: validateServiceEntry },
  { kind: 'WorkloadEntry', apiVersions: ISTIO, shape: workloadEntryShape, validate: validateWorkloadEntry },
  { kind: 'EnvoyFilter', apiVersions: ['networking.istio.io/v1alpha3'], shape: envoyFilterShape, validate: validateEnvoyFilter },
  { kind: 'Service', apiVersions: ['v1'], shape: serviceShape, validate: validateService },
  { kind: 'PeerAuthentication', apiVersions: SECURITY, shape: peerAuthenticationShape, validate: validatePeerAuthentication },
  { kind: 'AuthorizationPolicy', apiVersions: SECURITY, shape: authorizationPolicyShape, validate: validateAuthorizationPolicy },
  { kind: 'RequestAuthentication', apiVersions: SECURITY, shape: requestAuthenticationShape, validate: validateRequestAuthentication },
];

/** Of the ConfigMap that holds them, which is one of many. */
export const MESH_SETTINGS: KindRow = { kind: 'ConfigMap', apiVersions: ['v1'], shape: meshSettingsShape, validate: validateMeshSettings };

/** Kinds by group that say something about the mesh, but that this mesh does not act on yet: kept, with a warning. */
const LATER: Readonly<Record<string, readonly string[]>> = {
  'networking.istio.io': ['Sidecar', 'WorkloadGroup', 'ProxyConfig'],
  'telemetry.istio.io': ['Telemetry'],
  'extensions.istio.io': ['WasmPlugin', 'TrafficExtension'],
  'gateway.networking.k8s.io':
    'GatewayClass Gateway HTTPRoute GRPCRoute TCPRoute TLSRoute UDPRoute ReferenceGrant BackendTLSPolicy XBackendTrafficPolicy'.split(' '),
};

/** Groups of Kubernetes, whose kinds are about running programs: kept, with a note. */
const KUBERNETES =
  /^(?:v1|(?:apps|batch|autoscaling|policy)\/v\d\w*|(?:networking|rbac\.authorization|storage|apiextensions|admissionregistration|scheduling|discovery|coordination)\.k8s\.io\/v\d\w*)$/;

/** How a document is treated: by its row, kept as something of the mesh, of Kubernetes or of a stranger that changes nothing here, passed over, or refused. */
export type Treatment = KindRow | 'later' | 'kubernetes' | 'stranger' | 'install' | { readonly refusal: string };

/** How a document of that apiVersion and kind is treated. */
export const findKind = (apiVersion: string, kind: string): Treatment => {
  const row = KINDS.find((candidate) => candidate.kind === kind && candidate.apiVersions.includes(apiVersion));
  if (row) return row;
  const group = groupOf(apiVersion);
  if (group === 'install.istio.io') return 'install';
  const later = Object.hasOwn(LATER, group) ? (LATER[group] ?? []) : [];
  if (later.includes(kind)) return 'later';
  const active = KINDS.filter(({ apiVersions }) => apiVersions.some((known) => groupOf(known) === group)).map((known) => known.kind);
  const near = nearest(kind, [...active, ...later]);
  if (KUBERNETES.test(apiVersion) && near === undefined) return 'kubernetes';
  const served = KINDS.find((candidate) => candidate.kind === kind)?.apiVersions;
  if (served) return { refusal: `${kind} is served in ${served.join(', ')}, not in "${apiVersion.slice(0, 100)}"` };
  if (active.length === 0 && later.length === 0) return 'stranger';
  const meant = near === undefined ? '' : `; did you mean "${near}"?`;
  return { refusal: `no kind "${kind.slice(0, 100)}" in "${apiVersion.slice(0, 100)}"${meant}` };
};

const groupOf = (apiVersion: string): string => (apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '');
