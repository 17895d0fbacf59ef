/** Everything that one proxy should have, at one version of the mesh: encoded once, comparable without decoding. Pure. */
import { type Kind, TYPE_URLS } from '#api/kinds.ts';
import { type Any, Cluster, ClusterLoadAssignment, Listener, RouteConfiguration, Secret } from '#envoy';

/** One resource, ready to be sent. */
export interface XdsResource {
  readonly name: string;
  readonly any: Any;
  /** Of the encoded content, 16 hex digits: this resource's own version. */
  readonly hash: string;
}

/** Resources of every kind by name. Never changes. */
export interface XdsSnapshot {
  readonly kinds: Readonly<Record<Kind, ReadonlyMap<string, XdsResource>>>;
}

/** What translation gives for one proxy. */
export interface SnapshotParts {
  readonly clusters: readonly Cluster[];
  readonly endpoints: readonly ClusterLoadAssignment[];
  readonly listeners: readonly Listener[];
  readonly routes: readonly RouteConfiguration[];
  readonly secrets?: readonly Secret[];
}

/** Of two resources of one kind with one name the first counts: a proxy would refuse a response that has both. */
export const buildXdsSnapshot = ({ clusters, endpoints, listeners, routes, secrets = [] }: SnapshotParts): XdsSnapshot => ({
  kinds: {
    cds: byName(clusters.map((cluster) => encoded('cds', cluster.name, Cluster.encode(cluster).finish()))),
    eds: byName(endpoints.map((group) => encoded('eds', group.clusterName, ClusterLoadAssignment.encode(group).finish()))),
    sds: byName(secrets.map((secret) => encoded('sds', secret.name, Secret.encode(secret).finish()))),
    lds: byName(listeners.map((listener) => encoded('lds', listener.name, Listener.encode(listener).finish()))),
    rds: byName(routes.map((table) => encoded('rds', table.name, RouteConfiguration.encode(table).finish()))),
  },
});

/** Whether a proxy that has the one has the other; false when one is missing. */
export const sameContent = (left: XdsResource | undefined, right: XdsResource | undefined): boolean =>
  left === right || (left?.hash === right?.hash && sameBytes(left?.any.value, right?.any.value));

/** Endpoints of a cluster that nobody here knows: none. Without that answer Envoy would wait for one, and its clusters with it. */
export const noEndpoints = (clusterName: string): XdsResource =>
  encoded('eds', clusterName, ClusterLoadAssignment.encode(ClusterLoadAssignment.fromPartial({ clusterName })).finish());

const encoded = (kind: Kind, name: string, value: Uint8Array): XdsResource => ({
  name,
  any: { typeUrl: TYPE_URLS[kind], value },
  hash: contentHash(value),
});

/** The first of a name wins, as in Istio. */
const byName = (resources: readonly XdsResource[]): ReadonlyMap<string, XdsResource> =>
  resources.reduce(
    (named, resource) => (named.has(resource.name) ? named : named.set(resource.name, resource)),
    new Map<string, XdsResource>(),
  );

const sameBytes = (left: Uint8Array | undefined, right: Uint8Array | undefined): boolean =>
  left?.length === right?.length && (left ?? []).every((byte, index) => byte === right?.[index]);

/** Two lanes of FNV-1a with different primes: fast and without node:crypto. Equality never rests on it alone. */
const contentHash = (bytes: Uint8Array): string => {
  let low = 0x811c9dc5;
  let high = 0xcbf29ce4;
  for (const byte of bytes) {
    low = Math.imul(low ^ byte, 0x01000193);
    high = Math.imul(high ^ byte, 0x5bd1e995) ^ (high >>> 15);
  }
  return [high, low].map((lane) => (lane >>> 0).toString(16).padStart(8, '0')).join('');
};
