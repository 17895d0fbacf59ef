/** `GET /outliers` of a proxy's admin port: how near each host is to ejection, and who is out until when. All times are the mesh's wall time, milliseconds. */

/** How many failures in a row a host has, and how many it takes. */
export interface Strikes {
  readonly now: number;
  /** 0 = never. */
  readonly needed: number;
  /** Percent of the detected ones that are acted upon. */
  readonly enforced: number;
}

/** Envoy's words for what a host was ejected for. */
export type EjectionType =
  | 'CONSECUTIVE_5XX'
  | 'CONSECUTIVE_GATEWAY_FAILURE'
  | 'CONSECUTIVE_LOCAL_ORIGIN_FAILURE'
  | 'SUCCESS_RATE'
  | 'SUCCESS_RATE_LOCAL_ORIGIN'
  | 'FAILURE_PERCENTAGE'
  | 'FAILURE_PERCENTAGE_LOCAL_ORIGIN';

/** One ejection that lasts. */
export interface Ejection {
  readonly type: EjectionType;
  readonly sinceMs: number;
  /** When its time is over. */
  readonly untilMs: number;
  /** The sweep at which the host comes back: the first at or after `untilMs`. */
  readonly returnsMs: number;
}

/** One host of a cluster that detects outliers or checks health. */
export interface HostOutlier {
  /** `address:port` */
  readonly address: string;
  /** As Envoy words them: `/failed_outlier_check`; `healthy` when there is none. */
  readonly healthFlags: string;
  readonly consecutive5xx: Strikes;
  readonly consecutiveGatewayFailure: Strikes;
  /** Of use only where local errors are counted by themselves. */
  readonly consecutiveLocalOriginFailure: Strikes;
  /** Ejections so far. */
  readonly ejections: number;
  /** How many base times the current ejection lasts; out of one: how many the last would have, less the quiet intervals since. */
  readonly multiplier: number;
  /** Absent while the host is in. */
  readonly ejected?: Ejection;
  /** Percent, of the interval before this one; -1 = too few requests. */
  readonly successRate: number;
}

/** One cluster that detects outliers. */
export interface ClusterOutliers {
  readonly name: string;
  readonly intervalMs: number;
  readonly baseEjectionMs: number;
  readonly maxEjectionMs: number;
  readonly maxEjectionPercent: number;
  /** How many of its hosts may be out at once, by that percentage. */
  readonly mayBeEjected: number;
  readonly ejected: number;
  readonly nextSweepMs: number;
  /** Below this percentage of healthy hosts, health is ignored; 0 = never. */
  readonly panicPercent: number;
  readonly splitsLocalOrigin: boolean;
  readonly hosts: readonly HostOutlier[];
}

/** The page. */
export interface OutliersPage {
  readonly nowMs: number;
  readonly clusters: readonly ClusterOutliers[];
}
