/**
 * Resources → ProxySnapshot. Pure but for memory: what was compiled once is found again by the identity of its resource,
 * so "did this change?" is `===`. What waits for another resource (EDS, RDS) is left out, or stays as it was in the previous snapshot.
 */
import type { Kind } from '#api/kinds.ts';
import type { Cluster, ClusterLoadAssignment, Listener, RouteConfiguration, Secret } from '#envoy';
import { compileSecret } from '../tls/compile-secret.ts';
import type { SecretRef, SecretStore } from '../tls/secret-store.ts';
import { secretsOfCluster } from '../tls/used-secrets.ts';
import { type ClusterConfig, type CompiledCluster, compileCluster } from '../upstream/compile-cluster.ts';
import { compileEndpoints, type Endpoints, NO_ENDPOINTS } from '../upstream/compile-endpoints.ts';
import { attempt, needSecrets, newWork, type ResourceError, remember, type Work } from './build-work.ts';
import { type BuildRooms, ListenerBuilder } from './listener-builder.ts';
import type { ResourceKey, ResourceOf, ResourceSet } from './resource-set.ts';
import type { ProxySnapshot } from './snapshot.ts';

/** What building gave. What `errors` concern is as it was in the previous snapshot. */
export interface BuildResult {
  readonly snapshot: ProxySnapshot;
  /** Names that clusters and listeners refer to; subscribe to exactly these. */
  readonly wanted: { readonly eds: ReadonlySet<string>; readonly sds: ReadonlySet<string>; readonly rds: ReadonlySet<string> };
  /** Every secret that is used, by key, wherever it comes from. */
  readonly secrets: ReadonlyMap<string, SecretRef>;
  /** Those of `wanted` that have not arrived: who waits for them is warming. */
  readonly missing: readonly ResourceKey[];
  readonly errors: readonly ResourceError[];
}

/** Remembers what it compiled, by resource. One per proxy. */
export class SnapshotBuilder {
  readonly #clusters = new WeakMap<Cluster, ClusterConfig>();
  readonly #endpoints = new WeakMap<ClusterLoadAssignment, Endpoints>();
  readonly #secrets = new WeakMap<Cluster, readonly SecretRef[]>();
  readonly #store: SecretStore;
  readonly #joined = new WeakMap<ClusterConfig, CompiledCluster>();
  readonly #listeners: ListenerBuilder;

  constructor(rooms: BuildRooms) {
    this.#store = rooms.secrets;
    this.#listeners = new ListenerBuilder(rooms);
  }

  /** Trial: throws ConfigError when a resource could not be used whatever the others say; its text becomes the NACK. */
  check<K extends Kind>(kind: K, resource: ResourceOf[K]): void {
    if (kind === 'cds') this.#cluster(resource as Cluster);
    else if (kind === 'eds') this.#endpointsOf(resource as ClusterLoadAssignment);
    else if (kind === 'sds') compileSecret(resource as Secret);
    else if (kind === 'lds') this.#listeners.check(resource as Listener);
    else this.#listeners.checkRoutes(resource as RouteConfiguration);
  }

  /** previous: the snapshot in force; what is warming or broken stays as it is there. */
  build(resources: ResourceSet, previous: ProxySnapshot): BuildResult {
    const work = newWork();
    const clusters = new Map<string, CompiledCluster>();
    for (const resource of resources.cds.values()) {
      const compiled = this.#buildCluster(resource, resources, work) ?? previous.clusters.get(resource.name);
      if (compiled) clusters.set(resource.name, compiled);
    }
    const { listeners, routeTables } = this.#listeners.build(resources, previous, work);
    return { snapshot: Object.freeze({ clusters, listeners, routeTables }), ...work };
  }

  #buildCluster(resource: Cluster, resources: ResourceSet, work: Work): CompiledCluster | undefined {
    const config = attempt(work, { kind: 'cds', name: resource.name }, () => this.#cluster(resource));
    if (config === undefined) return undefined;
    const secrets = remember(this.#secrets, resource, secretsOfCluster);
    const isComplete = needSecrets(work, secrets, (ref) => this.#store.has(ref));
    const compiled = this.#discover(config, resources, work);
    return isComplete ? compiled : undefined;
  }

  #discover(config: ClusterConfig, resources: ResourceSet, work: Work): CompiledCluster | undefined {
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
