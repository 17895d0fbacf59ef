/**
 * Numbers that a running plane keeps about itself, under Envoy's names.
 * On the request path a counter is a field (`counter.value++`); names and labels are looked up once, when something is built.
 */

/** Only ever grows. */
export interface Counter {
  value: number;
}

/** Goes up and down. */
export interface Gauge {
  value: number;
}

/** Counts observations in Envoy's buckets; `observe` takes the unit that the name states. */
export interface Histogram {
  observe(value: number): void;
}

/** One named thing's numbers, e.g. one cluster's: `cluster.<name>.upstream_rq_total`. Asking twice for one name gives the same object. */
export interface MetricScope {
  counter(name: string): Counter;
  gauge(name: string): Gauge;
  /** A gauge that is worked out when somebody looks. */
  computed(name: string, read: () => number): void;
  histogram(name: string): Histogram;
}

/** Numbers by what they are about. */
export interface Metrics {
  /**
   * kind: Envoy's first word: `cluster`, `http`, `listener`, `server`, `cluster_manager`, `listener_manager`, `control_plane`.
   * name: which one, e.g. the cluster's name; absent for things that exist once.
   */
  scope(kind: string, name?: string): MetricScope;
}
