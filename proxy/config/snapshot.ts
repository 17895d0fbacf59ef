/** The proxy's hinge: everything that is in force, as one frozen value, and the holder that swaps it. */
import type { RouteTable, RouteTableSlot } from '../http/connection-manager.ts';
import type { CompiledListener } from '../listener/compile-listener.ts';
import type { CompiledCluster } from '../upstream/compile-cluster.ts';

/** Consistent set of runtime objects. What did not change since the last one is the same object. */
export interface ProxySnapshot {
  readonly clusters: ReadonlyMap<string, CompiledCluster>;
  readonly listeners: ReadonlyMap<string, CompiledListener>;
  /** Which table each connection manager of `listeners` uses from now on. */
  readonly routeTables: ReadonlyMap<RouteTableSlot, RouteTable>;
}

/** Nothing configured yet. */
export const EMPTY_SNAPSHOT: ProxySnapshot = { clusters: new Map(), listeners: new Map(), routeTables: new Map() };

/** Holds the snapshot in force. */
export class SnapshotHolder {
  #current: ProxySnapshot = EMPTY_SNAPSHOT;
  readonly #subscribers = new Set<(next: ProxySnapshot, previous: ProxySnapshot) => void>();

  get current(): ProxySnapshot {
    return this.#current;
  }

  /** Puts `next` in force; subscribers hear of it in the order in which they came, within this call. */
  swap(next: ProxySnapshot): void {
    const previous = this.#current;
    this.#current = next;
    for (const subscriber of this.#subscribers) subscriber(next, previous);
  }

  /** Returns how to stop listening. */
  subscribe(subscriber: (next: ProxySnapshot, previous: ProxySnapshot) => void): () => void {
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }
}
