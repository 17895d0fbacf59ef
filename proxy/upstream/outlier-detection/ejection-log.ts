/** One structured event for each ejection and return, with the facts of Envoy's OutlierDetectionEvent. Source: data.cluster.v3. */
import type { EjectionType } from '#api/outliers.ts';
import type { System } from '#system/system.ts';
import type { OutlierMonitor } from './outlier-monitor.ts';
import type { Average } from './success-rate.ts';

/** Why, and for how long. */
export interface Ejected {
  readonly type: EjectionType;
  readonly averages: { readonly external: Average; readonly local: Average };
  /** Milliseconds; absent when it was only found, and the host stays in. */
  readonly lengthMs?: number;
}

/** What rates an ejection for a rate went by. */
const ratesOf = ({ external, local }: OutlierMonitor, { type, averages }: Ejected): object => {
  const isLocal = type.endsWith('LOCAL_ORIGIN');
  const rate = (isLocal ? local : external).rate;
  const { average, threshold } = isLocal ? averages.local : averages.external;
  if (type.startsWith('SUCCESS_RATE')) return { host_success_rate: rate, average_success_rate: average, threshold };
  return type.startsWith('FAILURE_PERCENTAGE') ? { host_success_rate: rate } : {};
};

/** Writes for one cluster. */
export class EjectionLog {
  readonly #cluster: string;
  readonly #system: System;

  constructor(cluster: string, system: System) {
    this.#cluster = cluster;
    this.#system = system;
  }

  ejected(monitor: OutlierMonitor, how: Ejected): void {
    this.#system.log.info('outlier.ejected', {
      ...this.#common(monitor, monitor.lastReturnedAtMs),
      type: how.type,
      enforced: how.lengthMs !== undefined,
      ...(how.lengthMs !== undefined && { until: new Date(this.#system.clock.wallTimeMs() + how.lengthMs).toISOString() }),
      ...ratesOf(monitor, how),
    });
  }

  returned(monitor: OutlierMonitor): void {
    this.#system.log.info('outlier.returned', this.#common(monitor, monitor.lastEjectedAtMs));
  }

  #common({ host, ejections }: OutlierMonitor, lastMs: number | undefined): Record<string, unknown> {
    const seconds = lastMs === undefined ? undefined : Math.floor((this.#system.clock.nowMs() - lastMs) / 1000);
    return { cluster: this.#cluster, host: host.key, ejections, ...(seconds !== undefined && { secs_since_last_action: seconds }) };
  }
}
