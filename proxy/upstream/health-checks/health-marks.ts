/** What speaks against a host beside its configuration, and what both come to together. Source: Envoy, `Host::HealthFlag`. */
import type { ConfiguredHealth } from '../compile-endpoints.ts';

/** Several may hold at a time. */
export interface HealthMarks {
  failedActiveCheck: boolean;
  failedOutlierCheck: boolean;
  degradedActiveCheck: boolean;
  /** Not configured any longer, but its checks still pass. */
  pendingRemoval: boolean;
  /** Nobody counts on it before its first check. */
  pendingActiveCheck: boolean;
  /** It said itself that it is not to be used. */
  excludedAtOnce: boolean;
  /** The last failed check got no answer in time. */
  activeCheckTimedOut: boolean;
}

/** Nothing speaks against a host. */
export const noMarks = (): HealthMarks => ({
  failedActiveCheck: false,
  failedOutlierCheck: false,
  degradedActiveCheck: false,
  pendingRemoval: false,
  pendingActiveCheck: false,
  excludedAtOnce: false,
  activeCheckTimedOut: false,
});

/** Which traffic a host gets. Those that do not count at all are as if they drained. */
export const effectiveHealth = (configured: ConfiguredHealth, marks: HealthMarks): ConfiguredHealth => {
  if (marks.pendingActiveCheck || marks.excludedAtOnce || configured === 'draining') return 'draining';
  if (marks.failedActiveCheck || marks.failedOutlierCheck) return 'unhealthy';
  return configured === 'healthy' && marks.degradedActiveCheck ? 'degraded' : configured;
};
