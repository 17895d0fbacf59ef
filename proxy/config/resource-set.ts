/** What arrived and was accepted, by kind and name: plain decoded messages, never changed afterwards. */
import type { Kind } from '#api/kinds.ts';
import type { Cluster, ClusterLoadAssignment, Listener, RouteConfiguration, Secret } from '#envoy';

/** The message behind each kind. */
export interface ResourceOf {
  readonly cds: Cluster;
  readonly eds: ClusterLoadAssignment;
  readonly sds: Secret;
  readonly lds: Listener;
  readonly rds: RouteConfiguration;
}

/** Accepted resources by kind and name. Immutable: a change is a new set that shares what stayed the same. */
export type ResourceSet = { readonly [K in Kind]: ReadonlyMap<string, ResourceOf[K]> };

/** Which resource is meant. */
export interface ResourceKey {
  readonly kind: Kind;
  readonly name: string;
}

/** Nothing arrived yet. */
export const EMPTY_RESOURCES: ResourceSet = { cds: new Map(), eds: new Map(), sds: new Map(), lds: new Map(), rds: new Map() };

/** Name under which a resource is kept. */
export const resourceName = <K extends Kind>(kind: K, value: ResourceOf[K]): string =>
  kind === 'eds' ? (value as ClusterLoadAssignment).clusterName : (value as Exclude<ResourceOf[Kind], ClusterLoadAssignment>).name;

/** The set with all resources of one kind replaced, as CDS and LDS in the state-of-the-world form mean it. */
export const withKind = <K extends Kind>(set: ResourceSet, kind: K, values: Iterable<ResourceOf[K]>): ResourceSet => ({
  ...set,
  [kind]: new Map([...values].map((value) => [resourceName(kind, value), value])),
});

/** The set with some resources of one kind added or replaced, as EDS and RDS mean it: what is not named stays. */
export const withSome = <K extends Kind>(set: ResourceSet, kind: K, values: Iterable<ResourceOf[K]>): ResourceSet => ({
  ...set,
  [kind]: new Map([...set[kind], ...[...values].map((value) => [resourceName(kind, value), value] as const)]),
});

/** The set with one kind cut down to the names still wanted. */
export const keepOnly = <K extends Kind>(set: ResourceSet, kind: K, names: ReadonlySet<string>): ResourceSet => ({
  ...set,
  [kind]: new Map([...set[kind]].filter(([name]) => names.has(name))),
});
