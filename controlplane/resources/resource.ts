/** What every document has in common once it is read. */
import type { DestinationRuleSpec } from './destination-rule.ts';
import type { EnvoyFilterSpec } from './envoy-filter.ts';
import type { GatewaySpec } from './gateway.ts';
import type { MeshSettings } from './mesh/settings.ts';
import type { Locate } from './problem.ts';
import type { AuthorizationPolicySpec } from './security/authorization-policy.ts';
import type { PeerAuthenticationSpec } from './security/peer-authentication.ts';
import type { RequestAuthenticationSpec } from './security/request-authentication.ts';
import type { ServiceSpec } from './service.ts';
import type { ServiceEntrySpec } from './service-entry.ts';
import type { VirtualServiceSpec } from './virtual-service.ts';
import type { WorkloadEntrySpec } from './workload-entry.ts';

/** Where a document stands; 1-based. */
export interface Origin {
  readonly file: string;
  readonly line: number;
}

/** Name and labels of a resource; namespace is always known (`default` when the document names none). */
export interface Metadata {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A document of one kind. */
export interface Resource<Kind extends string, Spec> {
  readonly kind: Kind;
  readonly apiVersion: string;
  readonly metadata: Metadata;
  readonly spec: Spec;
  readonly origin: Origin;
  /** The document as it was written. */
  readonly yaml: string;
  /** Line and column of a field of this document, in its file. */
  readonly locate: Locate;
}

/** Specs by kind: the kinds that this mesh acts on. */
export interface Specs {
  readonly VirtualService: VirtualServiceSpec;
  readonly DestinationRule: DestinationRuleSpec;
  readonly Gateway: GatewaySpec;
  readonly ServiceEntry: ServiceEntrySpec;
  readonly WorkloadEntry: WorkloadEntrySpec;
  readonly EnvoyFilter: EnvoyFilterSpec;
  readonly Service: ServiceSpec;
  readonly PeerAuthentication: PeerAuthenticationSpec;
  readonly AuthorizationPolicy: AuthorizationPolicySpec;
  readonly RequestAuthentication: RequestAuthenticationSpec;
  /** Only `istio` in `istio-system`, and of it only what `data.mesh` says. */
  readonly ConfigMap: MeshSettings;
}

/** One of the kinds that this mesh acts on. */
export type ActiveKind = keyof Specs;

/** A resource of a given kind. */
export type ResourceOf<Kind extends ActiveKind> = Extract<ActiveResource, { readonly kind: Kind }>;

/** Any resource that this mesh acts on. */
export type ActiveResource = { [Kind in ActiveKind]: Resource<Kind, Specs[Kind]> }[ActiveKind];

/** A document that is kept and shown, but changes nothing here. */
export type InertResource = Resource<string, unknown> & { readonly inert: true };

/** `VirtualService default/reviews`: how problems, routes and pages call a resource. */
export const titleOf = ({ kind, metadata }: Pick<Resource<string, unknown>, 'kind' | 'metadata'>): string =>
  `${kind} ${metadata.namespace}/${metadata.name}`;
