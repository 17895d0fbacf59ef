/** LIVING STATE: who runs. Workloads come with their proxy's stream and go when it stays away for a while. */
import type { Clock } from '#system/clock.ts';
import type { ConnectedProxy, Workload } from './workload.ts';

/** Envoy's longest pause between two tries to come back is 30 s. */
const RETURN_MS = 35_000;

interface Entry {
  readonly workload: Workload;
  streams: number;
  cancelRemoval: () => void;
}

const sameWorkload = (a: Workload, b: Workload): boolean => JSON.stringify(a) === JSON.stringify(b);

/** graceMs: how long a workload is kept after its last stream ended, so that a reconnecting proxy does not make its endpoints blink. */
export class WorkloadRegistry {
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<() => void>();

  constructor(clock: Clock, graceMs: number) {
    this.#clock = clock;
    this.#graceMs = graceMs;
  }

  /** Announces a workload for as long as its stream lives; call what it returns when the stream ends. */
  connect(node: ConnectedProxy): () => void {
    const { id, ip, type, namespace, labels, serviceAccount, appPorts, weight, locality } = node;
    const workload: Workload = {
      type,
      name: node.workload,
      namespace,
      labels,
      serviceAccount,
      address: ip,
      appPorts,
      ...(weight && { weight }),
      ...(locality && { locality }),
    };
    const known = this.#entries.get(id);
    known?.cancelRemoval();
    const entry: Entry = { workload, streams: (known?.streams ?? 0) + 1, cancelRemoval: () => {} };
    this.#entries.set(id, entry);
    if (!known || !sameWorkload(known.workload, workload)) this.#changed();
    return () => this.#disconnect(id);
  }

  /** Node ids and workloads, for a control plane that starts after this one. */
  save(): readonly (readonly [string, Workload])[] {
    return [...this.#entries].map(([id, { workload }]) => [id, workload]);
  }

  /** Takes whom another registry knew for running until their proxies had time to come back. */
  restore(saved: readonly (readonly [string, Workload])[]): void {
    for (const [id, workload] of saved) {
      if (this.#entries.has(id)) continue;
      const entry: Entry = { workload, streams: 0, cancelRemoval: () => {} };
      this.#entries.set(id, entry);
      this.#removeAfter(RETURN_MS, id, entry);
    }
    this.#changed();
  }

  list(): readonly Workload[] {
    return [...this.#entries.values()].map(({ workload }) => workload).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Returns how to stop. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #disconnect(id: string): void {
    const entry = this.#entries.get(id);
    if (entry && --entry.streams <= 0) this.#removeAfter(this.#graceMs, id, entry);
  }

  #removeAfter(ms: number, id: string, entry: Entry): void {
    entry.cancelRemoval = this.#clock.after(ms, () => {
      this.#entries.delete(id);
      this.#changed();
    });
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
