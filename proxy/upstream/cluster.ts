/** LIVING STATE of one cluster. */
import type { System } from '#system/system.ts';
import type { CompiledCluster } from './compile-cluster.ts';

/** A running cluster. */
export class Cluster {
  #compiled: CompiledCluster;
  readonly system: System;

  constructor(compiled: CompiledCluster, system: System) {
    this.#compiled = compiled;
    this.system = system;
  }

  get config() {
    return this.#compiled.config;
  }

  update(compiled: CompiledCluster): void {
    this.#compiled = compiled;
  }

  retire(): void {}
}
