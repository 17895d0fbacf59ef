import { expect, it } from 'vitest';
import { healthFlags, healthStatus } from './health-flags.ts';

const NOTHING = {
  failedActiveCheck: false,
  failedOutlierCheck: false,
  degradedActiveCheck: false,
  pendingRemoval: false,
  pendingActiveCheck: false,
  excludedAtOnce: false,
  activeCheckTimedOut: false,
};

it('a host that nothing speaks against is healthy', () => {
  expect(healthFlags('healthy', NOTHING)).toBe('healthy');
  expect(healthStatus('healthy', NOTHING)).toEqual({ eds_health_status: 'HEALTHY' });
});

it('flags stand in Envoy’s order, one after another', () => {
  const all = Object.fromEntries(Object.keys(NOTHING).map((name) => [name, true])) as Record<keyof typeof NOTHING, boolean>;
  expect(healthFlags('timeout', all)).toBe(
    '/failed_active_hc/failed_outlier_check/failed_eds_health/degraded_active_hc/pending_dynamic_removal/pending_active_hc/excluded_via_immediate_hc_fail/active_hc_timeout',
  );
  expect(healthFlags('draining', NOTHING)).toBe('/eds_status_draining');
  expect(healthFlags('degraded', NOTHING)).toBe('/degraded_eds_health');
  expect(healthStatus('unhealthy', all)).toEqual({
    failed_active_health_check: true,
    failed_outlier_check: true,
    failed_active_degraded_check: true,
    pending_dynamic_removal: true,
    pending_active_hc: true,
    excluded_via_immediate_hc_fail: true,
    active_hc_timeout: true,
    eds_health_status: 'UNHEALTHY',
  });
});
