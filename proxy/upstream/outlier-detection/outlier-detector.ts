/**
 * LIVING STATE of one cluster's outlier detection: who is out, and the sweep that lets hosts in again.
 * Runs of failures eject at once; rates are judged, times are over and quiet intervals count at sweeps only. Source: Envoy "Outlier detection".
 */
import type { EjectionType } from '#api/outliers.ts';
import type { Cancel } from '#system/clock.ts';
import type { MetricScope } from '#system/metrics.ts';
import type { System } from '#system/system.ts';
import type { OutlierRules } from './compile-outlier-detection.ts';
import { EjectionLog } from './ejection-log.ts';
import { type Ejectable, type OutlierJudge, OutlierMonitor, type SuccessCounts } from './outlier-monitor.ts';
import { type OutlierStats, outlierStats } from './outlier-stats.ts';
import { type Average, belowAverage, failingTooOften, type HostRate, NO_AVERAGE } from './success-rate.ts';

/** What it stands on. */
export interface DetectorRoom {
  readonly system: System;
  readonly clusterName: string;
  readonly scope: MetricScope;
  /** A file for events; empty = none. */
  readonly ejectionLogPath: string;
}

/** The runs that a suspicion of a type ends. */
const RUNS = {
  CONSECUTIVE_5XX: 'consecutive5xx',
  CONSECUTIVE_GATEWAY_FAILURE: 'consecutiveGatewayFailure',
  CONSECUTIVE_LOCAL_ORIGIN_FAILURE: 'consecutiveLocalOriginFailure',
} as const;

/** Where outcomes are counted, and what they eject for. */
const ORIGINS = [
  { counts: 'external', rate: 'SUCCESS_RATE', percentage: 'FAILURE_PERCENTAGE' },
  { counts: 'local', rate: 'SUCCESS_RATE_LOCAL_ORIGIN', percentage: 'FAILURE_PERCENTAGE_LOCAL_ORIGIN' },
] as const;

type Origin = (typeof ORIGINS)[number];

/** One cluster's detector. Its hosts are those that it made monitors for and did not forget. */
export class OutlierDetector implements OutlierJudge {
  rules: OutlierRules;
  readonly stats: OutlierStats;
  readonly #system: System;
  readonly #log: EjectionLog;
  readonly #monitors = new Set<OutlierMonitor>();
  #ejected = 0;
  #cancelSweep: Cancel;
  #nextSweepMs = 0;
  /** Of the last sweep. */
  averages: Readonly<Record<Origin['counts'], Average>> = { external: NO_AVERAGE, local: NO_AVERAGE };

  constructor(rules: OutlierRules, { system, clusterName, scope, ejectionLogPath }: DetectorRoom) {
    this.rules = rules;
    this.#system = system;
    this.stats = outlierStats(scope);
    this.#log = new EjectionLog(clusterName, system, ejectionLogPath);
    this.#cancelSweep = this.#armSweep();
  }

  /** How many are out. */
  get ejected(): number {
    return this.#ejected;
  }

  /** Monotonic milliseconds. */
  get nextSweepMs(): number {
    return this.#nextSweepMs;
  }

  /** How many may be out at once. */
  get mayBeEjected(): number {
    const { maxEjectionPercent, alwaysEjectsOne } = this.rules;
    return Math.max(alwaysEjectsOne ? 1 : 0, Math.floor((maxEjectionPercent * this.#monitors.size) / 100));
  }

  /** Other thresholds from now on; runs and ejections go on. */
  configure(rules: OutlierRules): void {
    if (rules === this.rules) return;
    const before = this.rules;
    this.rules = rules;
    if (rules.intervalMs === before.intervalMs) return;
    this.#cancelSweep();
    this.#cancelSweep = this.#armSweep();
  }

  /** Begins to watch a host. */
  watch(host: Ejectable): OutlierMonitor {
    const monitor = new OutlierMonitor(host, this);
    this.#monitors.add(monitor);
    return monitor;
  }

  /** The host is gone; if it was out, it does not count among those any longer. */
  forget(monitor: OutlierMonitor): void {
    if (!this.#monitors.delete(monitor) || !monitor.ejection) return;
    monitor.ejection = undefined;
    this.#countEjected(-1);
  }

  /** Ends all of it: everybody is let in, and nobody is watched. */
  close(): void {
    this.#cancelSweep();
    for (const monitor of this.#monitors) {
      if (monitor.ejection) monitor.host.mark('failedOutlierCheck', false);
      this.forget(monitor);
    }
  }

  /** How long an ejection that began under these rules lasts, milliseconds. */
  lengthOf({ multiplier, ejection }: OutlierMonitor): number {
    const { baseEjectionMs, maxEjectionMs } = this.rules;
    return Math.min(baseEjectionMs * multiplier, maxEjectionMs) + (ejection?.jitterMs ?? 0);
  }

  suspect(monitor: OutlierMonitor, type: keyof typeof RUNS): void {
    if (monitor.ejection || !this.#monitors.has(monitor)) return;
    this.stats.detected[type].value++;
    this.#eject(monitor, type);
    if (type === 'CONSECUTIVE_5XX') this.stats.deprecated.consecutive5xx.value++;
    monitor[RUNS[type]] = 0;
  }

  /** Lets a host in again that is out because it failed. */
  readmit(monitor: OutlierMonitor): void {
    if (!monitor.ejection) return;
    const nowMs = this.#system.clock.nowMs();
    monitor.ejection = undefined;
    monitor.lastReturnedAtMs = nowMs;
    monitor.forgetRuns();
    this.#countEjected(-1);
    monitor.host.mark('failedOutlierCheck', false);
    this.#log.returned(monitor);
  }

  #eject(monitor: OutlierMonitor, type: EjectionType): void {
    const { stats, rules } = this;
    const percent = (100 * (this.#ejected + 1)) / this.#monitors.size;
    const hasRoom = percent <= rules.maxEjectionPercent || (rules.alwaysEjectsOne && this.#ejected === 0);
    if (!hasRoom) {
      stats.overflow.value++;
      return;
    }
    if (type === 'CONSECUTIVE_5XX' || type === 'SUCCESS_RATE') stats.deprecated.total.value++;
    if (!this.#system.random.stream('ejections').chance(rules.enforcing[type] / 100)) {
      this.#log.ejected(monitor, { type, averages: this.averages });
      return;
    }
    stats.total.value++;
    stats.enforced[type].value++;
    const sinceMs = this.#system.clock.nowMs();
    monitor.ejection = {
      type,
      sinceMs,
      jitterMs: rules.maxJitterMs > 0 ? this.#system.random.stream('ejections').below(rules.maxJitterMs + 1) : 0,
    };
    monitor.ejections++;
    monitor.lastEjectedAtMs = sinceMs;
    if (monitor.multiplier * rules.baseEjectionMs < rules.maxEjectionMs + rules.baseEjectionMs) monitor.multiplier++;
    this.#countEjected(1);
    monitor.host.mark('failedOutlierCheck', true);
    this.#log.ejected(monitor, { type, averages: this.averages, lengthMs: this.lengthOf(monitor) });
  }

  #countEjected(change: 1 | -1): void {
    this.#ejected += change;
    this.stats.active.value = this.#ejected;
  }

  #armSweep(): Cancel {
    const { clock } = this.#system;
    this.#nextSweepMs = clock.nowMs() + this.rules.intervalMs;
    return clock.after(this.rules.intervalMs, () => {
      this.#sweep(clock.nowMs());
      this.#cancelSweep = this.#armSweep();
    });
  }

  #sweep(nowMs: number): void {
    for (const monitor of this.#monitors) {
      const { ejection } = monitor;
      if (ejection && this.lengthOf(monitor) <= nowMs - ejection.sinceMs) this.readmit(monitor);
      monitor.external.turn();
      monitor.local.turn();
    }
    for (const origin of ORIGINS) this.#judgeRates(origin);
    for (const monitor of this.#monitors) {
      const { ejection, lastReturnedAtMs, multiplier } = monitor;
      const isQuiet = !ejection && lastReturnedAtMs !== undefined && nowMs - lastReturnedAtMs >= this.rules.intervalMs;
      if (isQuiet && multiplier > 0) monitor.multiplier--;
    }
  }

  #judgeRates({ counts, rate, percentage }: Origin): void {
    const { successRate, failurePercentage } = this.rules;
    const { size } = this.#monitors;
    this.averages = { ...this.averages, [counts]: NO_AVERAGE };
    if (size < successRate.minimumHosts && size < failurePercentage.minimumHosts) return;
    const rates = this.#rates(counts);
    const { outliers, average, threshold } = belowAverage(rates, successRate);
    this.averages = { ...this.averages, [counts]: { average, threshold } };
    for (const monitor of outliers) {
      this.stats.deprecated.successRate.value++;
      this.#judged(monitor, rate);
    }
    for (const monitor of failingTooOften(rates, failurePercentage)) this.#judged(monitor, percentage);
  }

  #judged(monitor: OutlierMonitor, type: EjectionType): void {
    this.stats.detected[type].value++;
    // Envoy counts a host that both rules find in one sweep twice among the ejected ones, and never forgets the second.
    if (!monitor.ejection) this.#eject(monitor, type);
  }

  #rates(counts: Origin['counts']): HostRate<OutlierMonitor>[] {
    const enough = Math.min(this.rules.successRate.requestVolume, this.rules.failurePercentage.requestVolume);
    const rates: HostRate<OutlierMonitor>[] = [];
    for (const monitor of this.#monitors) {
      const of: SuccessCounts = monitor[counts];
      if (monitor.ejection || of.lastTotal === 0) continue;
      const rate = (100 * of.lastGood) / of.lastTotal;
      if (of.lastTotal >= enough) of.rate = rate;
      rates.push({ host: monitor, rate, volume: of.lastTotal });
    }
    return rates;
  }
}
