/** LIVING STATE: the numbers of one cluster's hosts, and how often they became others. Source: Envoy, `membership_*`. */
import type { ClusterStats } from './cluster-stats.ts';
import type { HealthyCandidate, LocalityHosts } from './host-set.ts';

const NOBODY: ReadonlySet<unknown> = new Set();

/** Counts for one cluster. */
export class Membership<H extends HealthyCandidate> {
  readonly #stats: ClusterStats;
  #members: readonly ReadonlySet<unknown>[] = [];

  constructor(stats: ClusterStats) {
    this.#stats = stats;
  }

  /** A change is counted for each priority whose hosts are others than before. */
  note(priorities: readonly (readonly LocalityHosts<H>[])[]): void {
    const members = priorities.map((localities) => new Set<unknown>(localities.flatMap(({ hosts }) => hosts)));
    const levels = Math.max(members.length, this.#members.length);
    for (let level = 0; level < levels; level++) {
      const [now, before] = [members[level] ?? NOBODY, this.#members[level] ?? NOBODY];
      if (now.size !== before.size || !now.isSubsetOf(before)) this.#stats.membershipChanges.value++;
    }
    this.#members = members;
  }

  countHealth(hosts: Iterable<H>): void {
    const counts: Partial<Record<HealthyCandidate['health'], number>> = {};
    let members = 0;
    for (const { health } of hosts) {
      counts[health] = (counts[health] ?? 0) + 1;
      members++;
    }
    const stats = this.#stats;
    stats.members.value = members;
    stats.healthyMembers.value = counts.healthy ?? 0;
    stats.degradedMembers.value = counts.degraded ?? 0;
    stats.excludedMembers.value = counts.draining ?? 0;
  }

  /** Nobody is there any longer. */
  end(): void {
    this.countHealth([]);
  }
}
