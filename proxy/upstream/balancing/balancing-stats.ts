/** What a cluster's balancing tells of itself, under Envoy's names. Clusters that neither hash nor group have none of it. */
import type { MetricScope } from '#system/metrics.ts';
import type { TableFacts } from '../balancers/balancer.ts';
import type { SubsetNotes } from './subsets.ts';

/** Names: Envoy "Ring hash load balancer statistics", "Maglev load balancer statistics". */
export const tableTeller = (scope: MetricScope, kind: 'ring-hash' | 'maglev'): ((facts: TableFacts) => void) => {
  const of = kind === 'ring-hash' ? 'hashes_per_host' : 'entries_per_host';
  const room = kind === 'ring-hash' ? 'ring_hash_lb' : 'maglev_lb';
  const size = kind === 'ring-hash' ? scope.gauge(`${room}.size`) : undefined;
  const [fewest, most] = [scope.gauge(`${room}.min_${of}`), scope.gauge(`${room}.max_${of}`)];
  return (facts) => {
    if (size) size.value = facts.size;
    fewest.value = facts.fewest;
    most.value = facts.most;
  };
};

/** LIVING STATE: the groups of hosts that there are, counted. Names: Envoy "Load balancer subset statistics". */
export class SubsetTally {
  readonly #scope: MetricScope;
  #groups: ReadonlySet<string> = new Set();

  constructor(scope: MetricScope) {
    this.#scope = scope;
  }

  /** For one building of the groups. */
  begin(): SubsetNotes & { readonly end: () => void } {
    const groups = new Set<string>();
    const selected = this.#scope.counter('lb_subsets_selected');
    const fallback = this.#scope.counter('lb_subsets_fallback');
    return {
      group: (signature) => void groups.add(signature),
      selected: () => void selected.value++,
      fellBack: () => void fallback.value++,
      end: () => this.#replace(groups),
    };
  }

  #replace(groups: ReadonlySet<string>): void {
    this.#scope.counter('lb_subsets_created').value += groups.difference(this.#groups).size;
    this.#scope.counter('lb_subsets_removed').value += this.#groups.difference(groups).size;
    this.#scope.gauge('lb_subsets_active').value = groups.size;
    this.#groups = groups;
  }
}
