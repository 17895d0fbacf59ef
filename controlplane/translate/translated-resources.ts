/** What comes out of translation. */
import type { Cluster, ClusterLoadAssignment, Listener, RouteConfiguration } from '#envoy';

/** Everything one proxy gets. */
export interface TranslatedResources {
  readonly clusters: readonly Cluster[];
  readonly endpoints: readonly ClusterLoadAssignment[];
  readonly listeners: readonly Listener[];
  readonly routes: readonly RouteConfiguration[];
}
