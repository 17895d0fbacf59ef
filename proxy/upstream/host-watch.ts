/** LIVING STATE: who watches over the hosts of one cluster. What nobody asks for is not there, and costs nothing. */
import type { MetricScope } from '#system/metrics.ts';
import type { System } from '#system/system.ts';
import type { WatchRules } from './health-checks/compile-watch.ts';
import { HealthChecker } from './health-checks/health-checker.ts';
import type { Host } from './host.ts';
import { OutlierDetector } from './outlier-detection/outlier-detector.ts';

/** What it stands on. */
export interface WatchRoom {
  readonly system: System;
  readonly clusterName: string;
  readonly scope: MetricScope;
  /** A file for events of outlier detection; empty = none. */
  readonly ejectionLogPath: string;
  /** Whether the cluster was ever used. */
  hasTraffic(): boolean;
}

/** One cluster's watch. */
export class HostWatch {
  readonly #room: WatchRoom;
  #rules: WatchRules | undefined;
  #outliers: OutlierDetector | undefined;
  #checker: HealthChecker | undefined;
  readonly #monitored = new Map<string, Host>();

  constructor(room: WatchRoom) {
    this.#room = room;
  }

  get outliers(): OutlierDetector | undefined {
    return this.#outliers;
  }

  /** Other rules from now on, for hosts that are watched already, too: those in service stay until their first check says otherwise. */
  configure(rules: WatchRules, hosts: readonly Host[]): void {
    this.#rules = rules;
    this.#configureOutliers(rules, hosts);
    if (rules.checks === this.#checker?.rules) return;
    for (const host of hosts) this.#checker?.forget(host);
    if (rules.checks) {
      this.#checker = new HealthChecker(rules.checks, { ...this.#room, checked: (host, passed) => this.#checked(host.key, passed) });
      for (const host of hosts) this.#check(host);
    } else {
      this.#checker = undefined;
      for (const host of hosts) this.#forgetChecks(host);
    }
  }

  /** Begins with a new host, which has to pass a check before it is used. */
  begin(host: Host): void {
    this.#monitor(host);
    if (!this.#checker || host.checkAt?.isDisabled) return;
    host.mark('failedActiveCheck', true);
    if (this.#rules?.excludesUnchecked) host.mark('pendingActiveCheck', true);
    this.#check(host);
  }

  /** A host is gone. */
  end(host: Host): void {
    this.#monitored.delete(host.key);
    if (host.outlier) this.#outliers?.forget(host.outlier);
    this.#checker?.forget(host);
  }

  /** Whether a host that is not configured any longer stays. Source: Envoy, "Health checking interaction with service discovery". */
  keeps(host: Host): boolean {
    const isUnwanted = host.marks.failedActiveCheck || host.configuredHealth === 'unhealthy' || host.configuredHealth === 'timeout';
    return this.#rules?.keepsPassing === true && host.check !== undefined && !isUnwanted;
  }

  close(): void {
    this.#outliers?.close();
    for (const host of this.#monitored.values()) this.#checker?.forget(host);
  }

  #configureOutliers({ outliers }: WatchRules, hosts: readonly Host[]): void {
    if (outliers && this.#outliers) this.#outliers.configure(outliers);
    else if (outliers) this.#outliers = new OutlierDetector(outliers, this.#room);
    else if (this.#outliers) {
      this.#outliers.close();
      this.#outliers = undefined;
      for (const host of hosts) host.outlier = undefined;
    }
    for (const host of hosts) this.#monitor(host);
  }

  #monitor(host: Host): void {
    if (this.#outliers) host.outlier ??= this.#outliers.watch(host);
  }

  #check(host: Host): void {
    this.#monitored.set(host.key, host);
    this.#checker?.watch(host);
  }

  #forgetChecks(host: Host): void {
    this.#monitored.delete(host.key);
    for (const mark of ['failedActiveCheck', 'degradedActiveCheck', 'pendingActiveCheck', 'excludedAtOnce', 'activeCheckTimedOut'] as const)
      if (host.marks[mark]) host.mark(mark, false);
  }

  /** A host that passes its check is let in again at once, where the configuration does not forbid it. */
  #checked(key: string, passed: boolean): void {
    const host = this.#monitored.get(key);
    if (!passed || !host?.outlier || host.marks.failedActiveCheck || !this.#rules?.outliers?.returnsOnPassedCheck) return;
    this.#outliers?.readmit(host.outlier);
  }
}
