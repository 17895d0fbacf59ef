/** LIVING STATE: the pools of one host under one priority, by what their connections speak and the server name that they ask for. */
import type { Pool, PoolRoom } from './pool.ts';

/** Names that requests bring are anybody's: beyond this many at once the oldest pool gives way. */
const POOLS_KEPT = 64;

/** Makes them by need, up to the breaker's limit. */
export class HostPools {
  readonly #room: PoolRoom;
  readonly #make: (key: string, room: PoolRoom) => Pool;
  readonly #pools = new Map<string, Pool>();

  constructor(room: PoolRoom, make: (key: string, room: PoolRoom) => Pool) {
    this.#room = room;
    this.#make = make;
  }

  /** Undefined when the cluster has as many pools as it may have. */
  for(key: string): Pool | undefined {
    return this.#pools.get(key) ?? this.#add(key);
  }

  /** Idle connections end now, busy ones with their exchange. */
  retire(): void {
    const { breaker } = this.#room;
    const pools = [...this.#pools.values()];
    breaker.pools -= pools.length;
    this.#pools.clear();
    for (const pool of pools) pool.retire();
  }

  /** False when it is not one of these, or not any longer. */
  forget(pool: Pool): boolean {
    for (const [key, each] of this.#pools)
      if (each === pool) {
        this.#pools.delete(key);
        this.#room.breaker.pools--;
        return true;
      }
    return false;
  }

  #add(key: string): Pool | undefined {
    const { breaker, stats } = this.#room;
    if (breaker.pools >= breaker.limits.maxPools) {
      stats.poolOverflow.value++;
      return undefined;
    }
    if (this.#pools.size >= POOLS_KEPT) this.#dropOldest();
    const pool = this.#make(key, this.#room);
    this.#pools.set(key, pool);
    breaker.pools++;
    return pool;
  }

  #dropOldest(): void {
    const [oldest] = this.#pools.values();
    if (oldest && this.forget(oldest)) oldest.retire();
  }
}
