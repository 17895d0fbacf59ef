/** How exchanges with a cluster ended, by status and by class of status. A status gets its counter when it is first seen, as in Envoy. */
import type { Counter, MetricScope } from '#system/metrics.ts';

/** LIVING STATE: `upstream_rq_503`, `upstream_rq_5xx` and `upstream_rq_completed`. */
export class StatusCounters {
  readonly #scope: MetricScope;
  readonly #prefix: string;
  readonly #completed: Counter;
  readonly #byStatus = new Map<number, readonly [Counter, Counter]>();

  /** prefix: `retry.` for answers that were not the last, else empty. */
  constructor(scope: MetricScope, prefix: '' | 'retry.') {
    this.#scope = scope;
    this.#prefix = prefix;
    this.#completed = scope.counter(`${prefix}upstream_rq_completed`);
  }

  count(status: number): void {
    const [exact, sameClass] = this.#byStatus.get(status) ?? this.#add(status);
    this.#completed.value++;
    exact.value++;
    sameClass.value++;
  }

  #add(status: number): readonly [Counter, Counter] {
    const named = (what: string) => this.#scope.counter(`${this.#prefix}upstream_rq_${what}`);
    const counters = [named(String(status)), named(`${Math.floor(status / 100)}xx`)] as const;
    this.#byStatus.set(status, counters);
    return counters;
  }
}
