/** THE HINGE: everything that translation may read, at one version; frozen. */

import type { ConnectedProxy, Workload } from '../registry/workload.ts';
import type { MeshSettings } from '../resources/mesh/settings.ts';
import type { ResourceOf } from '../resources/resource.ts';
import type { Stored } from '../store/config-store.ts';

/** Settings of the whole mesh, named as in Istio's MeshConfig. */
export interface MeshConfig {
  readonly rootNamespace: string;
  readonly outboundTrafficPolicy: 'ALLOW_ANY' | 'REGISTRY_ONLY';
  /** File that every proxy writes its exchange records to; empty = none. */
  readonly accessLogFile: string;
  /** First part of every identity in this mesh. */
  readonly trustDomain: string;
  /** Other names of it, whose identities are believed as well. */
  readonly trustDomainAliases: readonly string[];
  /** Clients use mutual TLS wherever the server can, unless told otherwise. */
  readonly enableAutoMtls: boolean;
  readonly minProtocolVersion: 'TLSV1_2' | 'TLSV1_3';
  /** How paths are written before anybody looks at them: router, policy and program see the same. */
  readonly pathNormalization: 'NONE' | 'BASE' | 'MERGE_SLASHES' | 'DECODE_AND_MERGE_SLASHES';
  /** Whom calls go to by where endpoints are, for services whose rule says nothing of it. */
  readonly localityLbSetting: NonNullable<MeshSettings['localityLbSetting']>;
  /** Who decides on AuthorizationPolicies with action CUSTOM. */
  readonly extensionProviders: readonly ExtensionProvider[];
}

/** A named provider, as written. */
export type ExtensionProvider = NonNullable<MeshSettings['extensionProviders']>[number] & { readonly name: string };

/** What Istio's demo profile has, with exchange records on standard output. */
export const DEFAULT_MESH_CONFIG: MeshConfig = {
  rootNamespace: 'istio-system',
  outboundTrafficPolicy: 'ALLOW_ANY',
  accessLogFile: '/dev/stdout',
  trustDomain: 'cluster.local',
  trustDomainAliases: [],
  enableAutoMtls: true,
  minProtocolVersion: 'TLSV1_2',
  pathNormalization: 'BASE',
  localityLbSetting: {},
  extensionProviders: [],
};

/** Whose identities are believed: the mesh's own trust domain first, then its aliases. */
export const trustDomainsOf = ({ trustDomain, trustDomainAliases }: Pick<MeshConfig, 'trustDomain' | 'trustDomainAliases'>): string[] => [
  ...new Set([trustDomain, ...trustDomainAliases]),
];

/** One port of a service. */
export interface ServicePort {
  readonly number: number;
  readonly name: string;
  readonly protocol: 'http' | 'tcp';
  readonly targetPort: number;
  /** Its clients begin with TLS of their own, and say the name they want. */
  readonly isTls?: true;
  /** An authorizer is asked there over gRPC: proxies speak HTTP/2 to it themselves, and its sidecar passes bytes. */
  readonly isGrpcAuthorizer?: true;
}

/** An endpoint that a ServiceEntry lists itself. */
export interface ListedEndpoint {
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly weight: number;
  readonly locality?: string;
  /** By port name, where they differ from the target port. */
  readonly ports: Readonly<Record<string, number>>;
}

/** Something that can be called, from a Service or a ServiceEntry. */
export interface MeshService {
  /** Fully qualified, lower-case. */
  readonly hostname: string;
  readonly namespace: string;
  /** Virtual address that programs dial; undefined where they dial the destinations themselves. */
  readonly vip: string | undefined;
  readonly ports: readonly ServicePort[];
  /** selected: workloads by label; listed: its own endpoints; dns: names to resolve; passthrough: wherever the client dials. */
  readonly discovery: 'selected' | 'listed' | 'dns' | 'passthrough';
  readonly selector: Readonly<Record<string, string>>;
  readonly endpoints: readonly ListedEndpoint[];
  /** Namespaces that may see it; `*` = all. */
  readonly exportTo: readonly string[];
}

/** One proxy, as translation needs to know it. */
export type ProxyNode = ConnectedProxy;

/** A VirtualService and its age. */
export type StoredVirtualService = Stored<ResourceOf<'VirtualService'>>;

/** The whole mesh at one moment. Lists of resources are oldest first. */
export interface Mesh {
  readonly version: number;
  readonly config: MeshConfig;
  readonly services: readonly MeshService[];
  readonly workloads: readonly Workload[];
  readonly virtualServices: readonly StoredVirtualService[];
  readonly destinationRules: readonly Stored<ResourceOf<'DestinationRule'>>[];
  readonly gateways: readonly Stored<ResourceOf<'Gateway'>>[];
  readonly envoyFilters: readonly Stored<ResourceOf<'EnvoyFilter'>>[];
  readonly peerAuthentications: readonly Stored<ResourceOf<'PeerAuthentication'>>[];
  readonly authorizationPolicies: readonly Stored<ResourceOf<'AuthorizationPolicy'>>[];
  readonly requestAuthentications: readonly Stored<ResourceOf<'RequestAuthentication'>>[];
  /** Keys of token issuers that were fetched, by the id of their source. */
  readonly keySets: Readonly<Record<string, string>>;
}

/** Host name → virtual address, for whoever resolves names for the programs. */
export const vipsOf = ({ services }: Mesh): Readonly<Record<string, string>> =>
  Object.fromEntries(services.flatMap(({ hostname, vip }) => (vip === undefined ? [] : [[hostname, vip]])));
