/**
 * Resources → ProxySnapshot. Pure but for memory: what was compiled once is found again by the identity of its resource,
 * so "did this change?" is `===`. What waits for another resource (EDS, RDS) is left out, or stays as it was in the previous snapshot.
 */
import { ConfigError } from '#api/config-error.ts';
import type { Kind } from '#api/kinds.ts';
import type { Cluster, ClusterLoadAssignment } from '#envoy';
import type { System } from '#system/system.ts';
import type { RouteTable } from '../http/connection-manager.ts';
import type { ClusterManager } from '../upstream/cluster-manager.ts';
import { type ClusterConfig, type CompiledCluster, compileCluster } from '../upstream/compile-cluster.ts';
import { compileEndpoints, type Endpoints } from '../upstream/compile-endpoints.ts';
import type { ResourceKey, ResourceOf, ResourceSet } from './resource-set.ts';
import type { CompiledListener, ProxySnapshot, RouteTableSlot } from './snapshot.ts';

/** A resource that cannot be used, and why. */
export interface ResourceError extends ResourceKey {
  readonly error: ConfigError;
}

/** What building gave. What `errors` concern is as it was in the previous snapshot. */
export interface BuildResult {
  readonly snapshot: ProxySnapshot;
  /** Names that clusters and listeners refer to; subscribe to exactly these. */
  readonly wanted: { readonly eds: ReadonlySet<string>; readonly rds: ReadonlySet<string> };
  /** Those of `wanted` that have not arrived: who waits for them is warming. */
  readonly missing: readonly ResourceKey[];
  readonly errors: readonly ResourceError[];
}

/** The living rooms that compiled things are tied to. */
export interface BuildRooms {
  readonly system: System;
  /** Routes find their clusters here, at request time, by a slot that outlives every configuration. */
  readonly clusters: ClusterManager;
}

/** Remembers what it compiled, by resource. One per proxy. */
export class SnapshotBuilder {
  readonly #clusters = new WeakMap<Cluster, ClusterConfig>();
  readonly #endpoints = new WeakMap<ClusterLoadAssignment, Endpoints>();
  readonly #joined = new WeakMap<ClusterConfig, CompiledCluster>();

  constructor(rooms: BuildRooms) {
    void rooms;
  }

  /** Trial: throws ConfigError when a resource could not be used whatever the others say; its text becomes the NACK. */
  check<K extends Kind>(kind: K, resource: ResourceOf[K]): void {
    if (kind === 'cds') this.#cluster(resource as Cluster);
    if (kind === 'eds') this.#endpointsOf(resource as ClusterLoadAssignment);
  }

  /** previous: the snapshot in force; what is warming or broken stays as it is there. */
  build(resources: ResourceSet, previous: ProxySnapshot): BuildResult {
    const work: Work = { wanted: { eds: new Set(), rds: new Set() }, missing: [], errors: [] };
    const clusters = new Map<string, CompiledCluster>();
    for (const resource of resources.cds.values()) {
      const compiled = this.#buildCluster(resource, resources, work) ?? previous.clusters.get(resource.name);
      if (compiled) clusters.set(resource.name, compiled);
    }
    const listeners = new Map<string, CompiledListener>();
    const routeTables = new Map<RouteTableSlot, RouteTable>();
    return { snapshot: { clusters, listeners, routeTables }, ...work };
  }

  #buildCluster(resource: Cluster, resources: ResourceSet, work: Work): CompiledCluster | undefined {
    const config = attempt(work, { kind: 'cds', name: resource.name }, () => this.#cluster(resource));
    if (config === undefined) return undefined;
    const { discovery } = config;
    if (discovery.kind === 'original-dst') return this.#join(config, NO_ENDPOINTS);
    if (discovery.kind !== 'eds') return this.#join(config, discovery.endpoints);
    work.wanted.eds.add(discovery.serviceName);
    const assignment = resources.eds.get(discovery.serviceName);
    if (assignment === undefined) {
      work.missing.push({ kind: 'eds', name: discovery.serviceName });
      return undefined;
    }
    const endpoints = attempt(work, { kind: 'eds', name: discovery.serviceName }, () => this.#endpointsOf(assignment));
    return endpoints && this.#join(config, endpoints);
  }

  #cluster(resource: Cluster): ClusterConfig {
    return remember(this.#clusters, resource, compileCluster);
  }

  #endpointsOf(resource: ClusterLoadAssignment): Endpoints {
    return remember(this.#endpoints, resource, compileEndpoints);
  }

  #join(config: ClusterConfig, endpoints: Endpoints): CompiledCluster {
    const known = this.#joined.get(config);
    if (known?.endpoints === endpoints) return known;
    const compiled = Object.freeze({ config, endpoints });
    this.#joined.set(config, compiled);
    return compiled;
  }
}

interface Work {
  readonly wanted: { readonly eds: Set<string>; readonly rds: Set<string> };
  readonly missing: ResourceKey[];
  readonly errors: ResourceError[];
}

const NO_ENDPOINTS: Endpoints = { priorities: [], overprovisioning: 1.4 };

const attempt = <V>(work: Work, key: ResourceKey, compile: () => V): V | undefined => {
  try {
    return compile();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    work.errors.push({ ...key, error });
    return undefined;
  }
};

const remember = <K extends object, V>(memo: WeakMap<K, V>, key: K, compile: (key: K) => V): V => {
  const known = memo.get(key);
  if (known !== undefined) return known;
  const value = compile(key);
  memo.set(key, value);
  return value;
};
