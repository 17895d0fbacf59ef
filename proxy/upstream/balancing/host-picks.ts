/** LIVING STATE of one cluster's balancing: whom to pick now, and the tables that cost something to build. */
import type { MetricScope } from '#system/metrics.ts';
import type { System } from '#system/system.ts';
import type { BuildBalancer } from '../balancers/balancer.ts';
import { type ActiveRequests, boundedLoad } from '../balancers/bounded-load.ts';
import { balancerFor, isHashing } from '../balancers/policies.ts';
import { type HealthyCandidate, type HostPicker, hostPicker, type LocalityHosts, type Wish } from '../host-set.ts';
import { SubsetTally, tableTeller } from './balancing-stats.ts';
import type { Balancing } from './compile-balancing.ts';
import { keptTables } from './kept-tables.ts';
import { type SubsetRules, subsetPicker } from './subsets.ts';

/** What balancing writes on a host: only where hosts warm up. */
export interface WarmingHost extends HealthyCandidate {
  healthySinceMs?: number | undefined;
}

/** A cluster's hosts, and what endpoints say of balancing them. index of priorities = priority. */
export interface HostsToPick<H> {
  readonly priorities: readonly (readonly LocalityHosts<H>[])[];
  readonly overprovisioning: number;
  readonly weightedHealth: boolean;
}

/** What picks ask of their cluster. panicked: called for each pick that does not look at health. */
interface PicksRoom {
  /** Picks that are left to chance are a sequence of this cluster's own. */
  readonly clusterName: string;
  /** The cluster's own statistics. */
  readonly scope: MetricScope;
  readonly panicked: () => void;
  readonly activeRequests: ActiveRequests;
}

/** One cluster's picks. */
export class HostPicks<H extends WarmingHost> {
  readonly #system: System;
  readonly #panicked: () => void;
  readonly #activeRequests: ActiveRequests;
  readonly #scope: MetricScope;
  readonly #groups: SubsetTally;
  #balancing: Balancing | undefined;
  #build: BuildBalancer = balancerFor({ kind: 'random' });
  readonly #clusterName: string;
  #pick: HostPicker<H> = () => undefined;

  constructor(system: System, { clusterName, scope, panicked, activeRequests }: PicksRoom) {
    this.#system = system;
    this.#clusterName = clusterName;
    this.#panicked = panicked;
    this.#activeRequests = activeRequests;
    this.#scope = scope;
    this.#groups = new SubsetTally(scope);
  }

  /** Whether it is a request's hash that decides. */
  get hashes(): boolean {
    return this.#balancing !== undefined && isHashing(this.#balancing.policy);
  }

  /** To be called when hosts, their weights, their health or the rules change; never by a request. */
  rebuild({ priorities, overprovisioning, weightedHealth }: HostsToPick<H>, balancing: Balancing): void {
    if (balancing !== this.#balancing) this.#build = this.#buildFor(balancing);
    this.#balancing = balancing;
    this.#noteNew(priorities, balancing);
    const { panicThreshold, failsInPanic, localityWeighted, subsets } = balancing;
    const rules = {
      panicThreshold,
      failsInPanic,
      // Groups of hosts by label do not go by what their localities weigh. (Envoy 1.40, but where it is told to)
      localityWeighted: localityWeighted && !subsets,
      overprovisioning,
      weightedHealth,
      balancer: this.#build,
      hashes: this.hashes,
      panicked: this.#panicked,
    };
    const picker = (of: HostsToPick<H>['priorities']) => hostPicker(of, rules, this.#system.random.restarted(`pick:${this.#clusterName}`));
    this.#pick = subsets ? this.#pickInGroups(priorities, subsets, picker) : picker(priorities);
  }

  pick(wish: Wish): H | undefined {
    return this.#pick(wish);
  }

  #buildFor({ policy }: Balancing): BuildBalancer {
    const build = balancerFor(policy, () => this.#system.clock.nowMs());
    if (policy.kind !== 'ring-hash' && policy.kind !== 'maglev') return build;
    const tables = keptTables(build, policy.by);
    const tell = tableTeller(this.#scope, policy.kind);
    const told: BuildBalancer = (...of) => {
      const balancer = tables(...of);
      if (balancer.table) tell(balancer.table);
      return balancer;
    };
    return policy.loadPercent === undefined ? told : boundedLoad(told, policy.loadPercent, this.#activeRequests);
  }

  #pickInGroups(
    priorities: HostsToPick<H>['priorities'],
    subsets: SubsetRules,
    picker: Parameters<typeof subsetPicker<H>>[2],
  ): HostPicker<H> {
    const notes = this.#groups.begin();
    const pick = subsetPicker(priorities, subsets, picker, notes);
    notes.end();
    return pick;
  }

  /** A host that nobody checks is new from when it was first seen well. */
  #noteNew(priorities: HostsToPick<H>['priorities'], { policy }: Balancing): void {
    if (!('slowStart' in policy) || !policy.slowStart) return;
    const nowMs = this.#system.clock.nowMs();
    for (const localities of priorities)
      for (const { hosts } of localities) for (const host of hosts) if (host.health === 'healthy') host.healthySinceMs ??= nowMs;
  }
}
