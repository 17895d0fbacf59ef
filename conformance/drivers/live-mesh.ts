/** A running mesh as a case sees it: the part of an Environment that judging needs. The vacuity mesh offers the same. */
import type { Environment } from '#environment';

/** Where a proxy listens. */
export type ProxySeat = Pick<Environment['workloads'][number], 'name' | 'namespace' | 'address' | 'appPort'>;

/** The few things that a mesh must offer to be judged. */
export type LiveMesh = Pick<
  Environment,
  | 'driver'
  | 'dataPlane'
  | 'configuredBy'
  | 'connect'
  | 'applyYaml'
  | 'deleteYaml'
  | 'sync'
  | 'waitForVersion'
  | 'vips'
  | 'admin'
  | 'exchanges'
  | 'openAds'
  | 'wallTimeMs'
  | 'restartControlPlane'
  | 'advance'
> &
  Partial<Pick<Environment, 'identity' | 'tls' | 'startLone'>> & {
    readonly workloads: readonly ProxySeat[];
    readonly gateways: readonly ProxySeat[];
  };
