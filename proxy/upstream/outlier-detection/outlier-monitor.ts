/** LIVING STATE of one host, for outlier detection: what came of its last requests, and its ejections. Telling an outcome is a few field writes. */
import type { EjectionType } from '#api/outliers.ts';
import type { OutlierRules } from './compile-outlier-detection.ts';

/** Requests of an interval, and those that went well. */
export class SuccessCounts {
  total = 0;
  good = 0;
  /** Of the interval before. */
  lastTotal = 0;
  lastGood = 0;
  /** Percent of the interval before, where there were enough requests; else -1. */
  rate = -1;

  /** Begins the next interval. */
  turn(): void {
    this.lastTotal = this.total;
    this.lastGood = this.good;
    this.total = 0;
    this.good = 0;
    this.rate = -1;
  }
}

/** An ejection under way; monotonic milliseconds. */
export interface EjectionUnderWay {
  readonly type: EjectionType;
  readonly sinceMs: number;
  readonly jitterMs: number;
}

/** Who hears of a run that is long enough. */
export interface OutlierJudge {
  readonly rules: OutlierRules;
  suspect(monitor: OutlierMonitor, type: EjectionType): void;
}

/** What a host needs to be ejected. */
export interface Ejectable {
  readonly key: string;
  mark(mark: 'failedOutlierCheck', value: boolean): void;
}

const OK = 200;
const SERVER_ERROR = 500;
const UNAVAILABLE = 503;
const GATEWAY_TIMEOUT = 504;

const isGatewayError = (status: number): boolean => status >= 502 && status <= 504;

/** One host's record. */
export class OutlierMonitor {
  readonly host: Ejectable;
  readonly #judge: OutlierJudge;
  consecutive5xx = 0;
  consecutiveGatewayFailure = 0;
  consecutiveLocalOriginFailure = 0;
  /** What hosts answered. */
  readonly external = new SuccessCounts();
  /** Whether hosts were reached, where that is counted by itself. */
  readonly local = new SuccessCounts();
  ejection: EjectionUnderWay | undefined;
  ejections = 0;
  /** How many base times the next ejection lasts, less one; falls with quiet intervals. */
  multiplier = 0;
  lastEjectedAtMs: number | undefined;
  lastReturnedAtMs: number | undefined;

  constructor(host: Ejectable, judge: OutlierJudge) {
    this.host = host;
    this.#judge = judge;
  }

  /** A response head with that status; of gRPC calls, the status that theirs stands for. */
  answered(status: number): void {
    this.external.total++;
    if (status < SERVER_ERROR || status > 599) {
      this.external.good++;
      this.consecutive5xx = 0;
      this.consecutiveGatewayFailure = 0;
      return;
    }
    const { rules } = this.#judge;
    if (!isGatewayError(status)) this.consecutiveGatewayFailure = 0;
    else if (++this.consecutiveGatewayFailure === rules.consecutiveGatewayFailure) this.#judge.suspect(this, 'CONSECUTIVE_GATEWAY_FAILURE');
    if (++this.consecutive5xx === rules.consecutive5xx) this.#judge.suspect(this, 'CONSECUTIVE_5XX');
  }

  /** A connection for a request: what the request itself comes to is told by itself. */
  connected(): void {
    if (this.#judge.rules.splitsLocalOrigin) this.#reached();
  }

  /** A connection that is all that was wanted, as for a TCP proxy. */
  connectedForBytes(): void {
    if (this.#judge.rules.splitsLocalOrigin) this.#reached();
    else this.answered(OK);
  }

  /** No connection, or one that broke before its exchange was over. */
  failed(): void {
    this.#notReached(UNAVAILABLE);
  }

  /** It was given up for time. */
  timedOut(): void {
    this.#notReached(GATEWAY_TIMEOUT);
  }

  /** No run is under way any more. */
  forgetRuns(): void {
    this.consecutive5xx = 0;
    this.consecutiveGatewayFailure = 0;
    this.consecutiveLocalOriginFailure = 0;
  }

  #reached(): void {
    this.local.total++;
    this.local.good++;
    this.consecutiveLocalOriginFailure = 0;
  }

  #notReached(status: number): void {
    const { rules } = this.#judge;
    if (!rules.splitsLocalOrigin) {
      this.answered(status);
      return;
    }
    this.local.total++;
    if (++this.consecutiveLocalOriginFailure === rules.consecutiveLocalOriginFailure)
      this.#judge.suspect(this, 'CONSECUTIVE_LOCAL_ORIGIN_FAILURE');
  }
}
