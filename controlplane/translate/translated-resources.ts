/** What comes out of translation. */
import type { Cluster, ClusterLoadAssignment, Listener, RouteConfiguration, Secret } from '#envoy';

/** Everything one proxy gets. */
export interface TranslatedResources {
  readonly clusters: readonly Cluster[];
  readonly endpoints: readonly ClusterLoadAssignment[];
  readonly listeners: readonly Listener[];
  readonly routes: readonly RouteConfiguration[];
  /** What may be public: trust. Keys are made where they are used and never travel. */
  readonly secrets?: readonly Secret[];
}
