/** Why a host is not simply healthy, in Envoy's words. Source: Envoy, `Host::HealthFlag`; admin.v3.HostHealthStatus. */
import type { HostStatus } from './view.ts';

type Configured = HostStatus['configuredHealth'];
type Marks = HostStatus['marks'];

/** In Envoy's order. */
const FLAGS: readonly (readonly [string, (marks: Marks, configured: Configured) => boolean])[] = [
  ['failed_active_hc', ({ failedActiveCheck }) => failedActiveCheck],
  ['failed_outlier_check', ({ failedOutlierCheck }) => failedOutlierCheck],
  ['failed_eds_health', (_, configured) => configured === 'unhealthy' || configured === 'timeout'],
  ['degraded_active_hc', ({ degradedActiveCheck }) => degradedActiveCheck],
  ['degraded_eds_health', (_, configured) => configured === 'degraded'],
  ['pending_dynamic_removal', ({ pendingRemoval }) => pendingRemoval],
  ['pending_active_hc', ({ pendingActiveCheck }) => pendingActiveCheck],
  ['excluded_via_immediate_hc_fail', ({ excludedAtOnce }) => excludedAtOnce],
  ['active_hc_timeout', ({ activeCheckTimedOut }) => activeCheckTimedOut],
  ['eds_status_draining', (_, configured) => configured === 'draining'],
];

/** `/failed_outlier_check` and the like, one after another. */
export const healthFlags = (configured: Configured, marks: Marks): string =>
  FLAGS.filter(([, holds]) => holds(marks, configured))
    .map(([name]) => `/${name}`)
    .join('') || 'healthy';

const STATUS = { healthy: 'HEALTHY', degraded: 'DEGRADED', unhealthy: 'UNHEALTHY', timeout: 'UNHEALTHY', draining: 'DRAINING' } as const;

/** The same as fields of a HostHealthStatus, false ones left out. */
export const healthStatus = (configured: Configured, marks: Marks): object => ({
  ...(marks.failedActiveCheck && { failed_active_health_check: true }),
  ...(marks.failedOutlierCheck && { failed_outlier_check: true }),
  ...(marks.degradedActiveCheck && { failed_active_degraded_check: true }),
  ...(marks.pendingRemoval && { pending_dynamic_removal: true }),
  ...(marks.pendingActiveCheck && { pending_active_hc: true }),
  ...(marks.excludedAtOnce && { excluded_via_immediate_hc_fail: true }),
  ...(marks.activeCheckTimedOut && { active_hc_timeout: true }),
  eds_health_status: STATUS[configured],
});
