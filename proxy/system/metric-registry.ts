/** The numbers themselves, kept in memory, and read by the admin pages. */
import type { Counter, Gauge, Histogram, MetricScope, Metrics } from './metrics.ts';

/** Upper bounds of Envoy's default histogram buckets. Source: envoy config.metrics.v3.HistogramBucketSettings. */
export const BUCKETS = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 600000, 1800000, 3600000,
] as const;

/** One histogram's state; `counts[i]` belongs to BUCKETS[i], the last one to what lies above. */
export class BucketHistogram implements Histogram {
  readonly counts: number[] = new Array(BUCKETS.length + 1).fill(0);
  count = 0;
  sum = 0;

  observe(value: number): void {
    let index = 0;
    while (index < BUCKETS.length && value > (BUCKETS[index] as number)) index++;
    this.counts[index] = (this.counts[index] as number) + 1;
    this.count++;
    this.sum += value;
  }

  reset(): void {
    this.counts.fill(0);
    this.count = 0;
    this.sum = 0;
  }
}

/** One number with all its names. kind and scope as they were asked for. */
export type MetricEntry = { readonly kind: string; readonly scope: string; readonly name: string } & (
  | { readonly type: 'counter'; readonly metric: Counter }
  | { readonly type: 'gauge'; readonly metric: Readonly<Gauge> }
  | { readonly type: 'histogram'; readonly metric: BucketHistogram }
);

/** Envoy's dotted name: `cluster.<name>.upstream_rq_total`. */
export const dottedName = (entry: MetricEntry): string =>
  entry.scope === '' ? `${entry.kind}.${entry.name}` : `${entry.kind}.${entry.scope}.${entry.name}`;

class RegistryScope implements MetricScope {
  readonly entries = new Map<string, MetricEntry>();
  readonly #kind: string;
  readonly #scope: string;

  constructor(kind: string, scope: string) {
    this.#kind = kind;
    this.#scope = scope;
  }

  counter(name: string): Counter {
    const known = this.entries.get(name);
    if (known?.type === 'counter') return known.metric;
    const metric = { value: 0 };
    this.#add({ kind: this.#kind, scope: this.#scope, name, type: 'counter', metric }, known);
    return metric;
  }

  gauge(name: string): Gauge {
    const known = this.entries.get(name);
    if (known?.type === 'gauge') return known.metric as Gauge;
    const metric = { value: 0 };
    this.#add({ kind: this.#kind, scope: this.#scope, name, type: 'gauge', metric }, known);
    return metric;
  }

  computed(name: string, read: () => number): void {
    const metric = {
      get value() {
        return read();
      },
    };
    this.entries.set(name, { kind: this.#kind, scope: this.#scope, name, type: 'gauge', metric });
  }

  histogram(name: string): Histogram {
    const known = this.entries.get(name);
    if (known?.type === 'histogram') return known.metric;
    const metric = new BucketHistogram();
    this.#add({ kind: this.#kind, scope: this.#scope, name, type: 'histogram', metric }, known);
    return metric;
  }

  #add(entry: MetricEntry, known: MetricEntry | undefined): void {
    if (known) throw new Error(`metric ${dottedName(known)} is a ${known.type}, not a ${entry.type}`);
    this.entries.set(entry.name, entry);
  }
}

/** All numbers of one plane. */
export class MetricRegistry implements Metrics {
  readonly #scopes = new Map<string, RegistryScope>();

  scope(kind: string, name = ''): MetricScope {
    const key = `${kind}\n${name}`;
    const known = this.#scopes.get(key);
    if (known) return known;
    const scope = new RegistryScope(kind, name);
    this.#scopes.set(key, scope);
    return scope;
  }

  /** Every number, sorted by its dotted name. */
  entries(): MetricEntry[] {
    const all = [...this.#scopes.values()].flatMap((scope) => [...scope.entries.values()]);
    return all
      .map((entry) => ({ entry, key: dottedName(entry) }))
      .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
      .map(({ entry }) => entry);
  }

  /** Value of a counter or gauge by its dotted name, for tests and the simulated world; undefined when nobody asked for it yet. */
  value(dotted: string): number | undefined {
    const entry = this.entries().find((candidate) => dottedName(candidate) === dotted);
    return entry === undefined || entry.type === 'histogram' ? undefined : entry.metric.value;
  }

  /** Sets counters and histograms to zero; gauges tell the present and stay. */
  reset(): void {
    for (const entry of this.entries()) {
      if (entry.type === 'counter') entry.metric.value = 0;
      if (entry.type === 'histogram') entry.metric.reset();
    }
  }
}
