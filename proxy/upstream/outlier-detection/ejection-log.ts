/** One event for each ejection and return: structured, and where a file is named, as a line of Envoy's OutlierDetectionEvent. Source: data.cluster.v3. */
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

/** The first of Envoy's types, which stands in lines that have none. */
const NO_TYPE: EjectionType = 'CONSECUTIVE_5XX';

/** What an ejection went by, under the name that Envoy has for it. */
const groundsOf = (
  { external, local }: OutlierMonitor,
  { type, averages }: Ejected,
): Readonly<Record<string, Readonly<Record<string, number>>>> => {
  const isLocal = type.endsWith('LOCAL_ORIGIN');
  const host_success_rate = (isLocal ? local : external).rate;
  const { average, threshold } = isLocal ? averages.local : averages.external;
  if (type.startsWith('FAILURE_PERCENTAGE')) return { eject_failure_percentage_event: { host_success_rate } };
  if (!type.startsWith('SUCCESS_RATE')) return { eject_consecutive_event: {} };
  const cluster = { cluster_average_success_rate: average, cluster_success_rate_ejection_threshold: threshold };
  return { eject_success_rate_event: { host_success_rate, ...cluster } };
};

/** Writes for one cluster. */
export class EjectionLog {
  readonly #cluster: string;
  readonly #system: System;
  readonly #path: string;

  /** path: of a file for Envoy's lines; empty = none. */
  constructor(cluster: string, system: System, path: string) {
    this.#cluster = cluster;
    this.#system = system;
    this.#path = path;
  }

  ejected(monitor: OutlierMonitor, how: Ejected): void {
    const { clock, log } = this.#system;
    const enforced = how.lengthMs !== undefined;
    const grounds = groundsOf(monitor, how);
    const [facts = {}] = Object.values(grounds);
    const seconds = this.#secondsSince(monitor.lastReturnedAtMs);
    const until = how.lengthMs === undefined ? {} : { until: new Date(clock.wallTimeMs() + how.lengthMs).toISOString() };
    log.info('outlier.ejected', { ...this.#common(monitor, seconds), type: how.type, enforced, ...until, ...facts });
    this.#write(monitor, { type: how.type, action: 'EJECT', enforced, seconds, grounds });
  }

  returned(monitor: OutlierMonitor): void {
    const seconds = this.#secondsSince(monitor.lastEjectedAtMs);
    this.#system.log.info('outlier.returned', this.#common(monitor, seconds));
    this.#write(monitor, { type: NO_TYPE, action: 'UNEJECT', enforced: false, seconds, grounds: {} });
  }

  #write(
    { host, ejections }: OutlierMonitor,
    line: { type: EjectionType; action: string; enforced: boolean; seconds: number | undefined; grounds: object },
  ): void {
    if (this.#path === '') return;
    const { type, action, enforced, seconds, grounds } = line;
    const text = JSON.stringify({
      type,
      timestamp: new Date(this.#system.clock.wallTimeMs()).toISOString(),
      ...(seconds !== undefined && { secs_since_last_action: String(seconds) }),
      cluster_name: this.#cluster,
      upstream_url: host.key,
      action,
      num_ejections: ejections,
      enforced,
      ...grounds,
    });
    this.#system.appendLine(this.#path, text);
  }

  #secondsSince(ms: number | undefined): number | undefined {
    return ms === undefined ? undefined : Math.floor((this.#system.clock.nowMs() - ms) / 1000);
  }

  #common({ host, ejections }: OutlierMonitor, seconds: number | undefined): Record<string, unknown> {
    return { cluster: this.#cluster, host: host.key, ejections, ...(seconds !== undefined && { secs_since_last_action: seconds }) };
  }
}
