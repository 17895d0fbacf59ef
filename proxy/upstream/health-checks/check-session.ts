/**
 * LIVING STATE of one host under health checks: asks again and again, and says when the host has failed or recovered.
 * The first answer ever decides at once; later a network failure takes several, any other one failure. Source: Envoy "Health checking".
 */
import type { Cancel } from '#system/clock.ts';
import type { System } from '#system/system.ts';
import type { CheckEvent, Checked, FailureType } from './check-log.ts';
import type { CheckStats } from './check-stats.ts';
import type { HealthCheckRules } from './compile-health-check.ts';
import type { HealthMarks } from './health-marks.ts';
import type { Probe, Verdict } from './probe.ts';

/** The host, as its checks see it. */
export interface CheckedHost extends Checked {
  readonly marks: Readonly<HealthMarks>;
  mark(mark: keyof HealthMarks, value: boolean): void;
}

/** What a session shares with those of the other hosts. */
export interface CheckRoom {
  readonly system: System;
  readonly rules: HealthCheckRules;
  readonly stats: CheckStats;
  readonly tell: (host: Checked, event: CheckEvent) => void;
  /** Whether the cluster was ever used. */
  hasTraffic(): boolean;
  /** A check is over. */
  checked(host: CheckedHost, passed: boolean): void;
}

type Change = 'changed' | 'pending' | 'none';

const isNetwork = (failure: FailureType): boolean => failure === 'NETWORK' || failure === 'NETWORK_TIMEOUT';

/** Checks of one host. Begins with its making. */
export class CheckSession {
  readonly host: CheckedHost;
  readonly #room: CheckRoom;
  readonly #probe: Probe;
  #passed = 0;
  #failed = 0;
  #isFirst = true;
  #isClosed = false;
  #cancelTimer: Cancel = () => {};
  #asking: AbortController | undefined;

  constructor(host: CheckedHost, room: CheckRoom, probe: Probe) {
    this.host = host;
    this.#room = room;
    this.#probe = probe;
    if (!host.marks.failedActiveCheck) room.stats.healthy.value++;
    if (host.marks.degradedActiveCheck) room.stats.degraded.value++;
    const { initialJitter } = room.rules.intervals;
    if (initialJitter === 0) this.#ask();
    else this.#again(this.#withJitter(0, initialJitter));
  }

  /** The host itself said, in an answer to a request, that it is not to be used. */
  failAtOnce(): void {
    if (this.#isClosed) return;
    this.host.mark('excludedAtOnce', true);
    this.#setUnhealthy('PASSIVE', { retriable: false, httpStatus: 0 });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelTimer();
    this.#asking?.abort(new Error('the check is not wanted any longer'));
    this.#probe.close();
    const { stats } = this.#room;
    if (!this.host.marks.failedActiveCheck) stats.healthy.value--;
    if (this.host.marks.degradedActiveCheck) stats.degraded.value--;
  }

  #ask(): void {
    const { system, rules, stats } = this.#room;
    const asking = new AbortController();
    this.#asking = asking;
    stats.attempts.value++;
    const late = new Error('no answer in time');
    const cancel = system.clock.after(rules.timeoutMs, () => asking.abort(late));
    this.#probe.ask(asking.signal).then(
      (verdict) => {
        cancel();
        if (this.#isClosed) return;
        // The answer that came in the moment of the deadline came too late.
        if (asking.signal.aborted) this.#failedWith('NETWORK_TIMEOUT');
        else this.#heard(verdict);
      },
      () => {
        cancel();
        if (this.#isClosed) return;
        const isLate = asking.signal.reason === late;
        if (isLate || !rules.reusesConnection) this.#probe.close();
        this.#failedWith(isLate ? 'NETWORK_TIMEOUT' : 'NETWORK');
      },
    );
  }

  #heard(verdict: Verdict): void {
    if (verdict.kind === 'passed') {
      this.#setHealthy(verdict.degraded);
      return;
    }
    if (verdict.excluded) this.host.mark('excludedAtOnce', true);
    this.#failedWith('ACTIVE', verdict);
  }

  #failedWith(failure: FailureType, { retriable, httpStatus } = { retriable: false, httpStatus: 0 }): void {
    const change = this.#setUnhealthy(failure, { retriable, httpStatus });
    if (!this.#isClosed) this.#again(this.#interval('unhealthy', change));
  }

  #setHealthy(degraded: boolean): void {
    const { host } = this;
    const { rules, stats, tell } = this.#room;
    this.#failed = 0;
    let change: Change = 'none';
    if (host.marks.failedActiveCheck) {
      if (this.#isFirst || ++this.#passed === rules.healthyThreshold) {
        host.mark('activeCheckTimedOut', false);
        host.mark('excludedAtOnce', false);
        host.mark('failedActiveCheck', false);
        stats.healthy.value++;
        change = 'changed';
        tell(host, { kind: 'added', first: this.#isFirst });
      } else change = 'pending';
    }
    if (change !== 'changed' && rules.tellsSuccesses) tell(host, { kind: 'passed' });
    host.mark('pendingActiveCheck', false);
    if (degraded !== host.marks.degradedActiveCheck) this.#setDegraded(degraded);
    stats.successes.value++;
    this.#isFirst = false;
    this.#room.checked(host, true);
    if (!this.#isClosed) this.#again(this.#interval('healthy', change));
  }

  #setDegraded(degraded: boolean): void {
    this.host.mark('degradedActiveCheck', degraded);
    this.#room.stats.degraded.value += degraded ? 1 : -1;
    this.#room.tell(this.host, { kind: degraded ? 'degraded' : 'no-longer-degraded' });
  }

  #setUnhealthy(failure: FailureType, { retriable, httpStatus }: { readonly retriable: boolean; readonly httpStatus: number }): Change {
    const { host } = this;
    const { rules, stats, tell } = this.#room;
    this.#passed = 0;
    let change: Change = 'none';
    if (!host.marks.failedActiveCheck) {
      if ((!isNetwork(failure) && !retriable) || ++this.#failed === rules.unhealthyThreshold) {
        host.mark('failedActiveCheck', true);
        stats.healthy.value--;
        change = 'changed';
        tell(host, { kind: 'ejected', failure, httpStatus });
      } else change = 'pending';
    }
    host.mark('activeCheckTimedOut', failure === 'NETWORK_TIMEOUT' && host.marks.failedActiveCheck);
    host.mark('pendingActiveCheck', false);
    if (this.#isFirst || rules.tellsFailures) tell(host, { kind: 'failed', failure, first: this.#isFirst, httpStatus });
    stats.failures.value++;
    if (isNetwork(failure)) stats.networkFailures.value++;
    if (failure === 'PASSIVE') stats.passiveFailures.value++;
    this.#isFirst = false;
    this.#room.checked(host, false);
    return change;
  }

  #again(ms: number): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#room.system.clock.after(ms, () => this.#ask());
  }

  #interval(state: 'healthy' | 'unhealthy', change: Change): number {
    const { intervals } = this.#room.rules;
    const isPending = change === 'pending';
    const base = !this.#room.hasTraffic()
      ? state === 'healthy' && !isPending
        ? intervals.noTrafficHealthy
        : intervals.noTraffic
      : intervals[isPending ? (`${state}Edge` as const) : state];
    return this.#withJitter(base, intervals.jitter);
  }

  #withJitter(baseMs: number, jitterMs: number): number {
    const random = this.#room.system.random.stream('health checks');
    const share = Math.floor((this.#room.rules.intervals.jitterPercent * baseMs) / 100);
    const parts = (share > 0 ? random.below(share) : 0) + (jitterMs > 0 ? random.below(jitterMs) : 0);
    return Math.max(1, baseMs + parts);
  }
}
