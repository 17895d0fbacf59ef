/** LIVING STATE: the clusters that run now. Given those wanted now it keeps, adds and retires; hosts keep their state. */
import type { System } from '#system/system.ts';
import { type TlsRoom, tlsRoom } from '../tls/live-context.ts';
import { SecretStore } from '../tls/secret-store.ts';
import { Cluster } from './cluster.ts';
import type { CompiledCluster } from './compile-cluster.ts';

/** Where a route finds its cluster at request time. It stays the same object for one name, whether or not the cluster exists. */
export interface ClusterSlot {
  readonly name: string;
  current: Cluster | undefined;
}

/** All clusters of one proxy. */
export class ClusterManager {
  readonly #system: System;
  readonly #tls: TlsRoom;
  readonly #ejectionLogPath: string;
  readonly #slots = new Map<string, ClusterSlot>();

  /** tls: what listeners and clusters share; without it no secret ever arrives. ejectionLogPath: a file for events of outlier detection; empty = none. */
  constructor(system: System, tls: TlsRoom = tlsRoom(system, new SecretStore()), ejectionLogPath = '') {
    this.#system = system;
    this.#ejectionLogPath = ejectionLogPath;
    this.#tls = tls;
    tls.users.push(() => this.running().flatMap((cluster) => cluster.tlsContexts()));
  }

  /** Creates the slot if nobody asked for that name before. */
  slot(name: string): ClusterSlot {
    const known = this.#slots.get(name);
    if (known) return known;
    const slot: ClusterSlot = { name, current: undefined };
    this.#slots.set(name, slot);
    return slot;
  }

  /** Makes exactly these clusters run. Those that are the same object as before are not touched; removed ones end with their last stream. */
  reconcile(wanted: ReadonlyMap<string, CompiledCluster>): void {
    for (const [name, compiled] of wanted) {
      const slot = this.slot(name);
      if (slot.current) slot.current.update(compiled);
      else slot.current = new Cluster(compiled, this.#system, { tls: this.#tls, ejectionLogPath: this.#ejectionLogPath });
    }
    for (const slot of this.#slots.values()) {
      if (slot.current === undefined || wanted.has(slot.name)) continue;
      slot.current.retire();
      slot.current = undefined;
    }
  }

  /** Running clusters, in order of first mention; for read-only views. */
  running(): Cluster[] {
    return [...this.#slots.values()].flatMap((slot) => slot.current ?? []);
  }

  /** Ends every idle connection and every timer; busy connections end with their streams. */
  close(): void {
    this.reconcile(new Map());
  }
}
