/** What the admin pages may see of a running proxy and do to it. Shapes only; proxy.ts fills them. */

import type { BreakersPage } from '#api/admin.ts';
import type { OutliersPage } from '#api/outliers.ts';
import type { MetricEntry } from '#system/metric-registry.ts';
import type { TappedConnection } from '#system/sockets/wire-tap.ts';

/** Envoy's words for how far a proxy is. */
export type ServerState = 'LIVE' | 'DRAINING' | 'INITIALIZING';

/** One accepted resource in the JSON form of its message, `@type` first. */
export interface DumpedResource {
  readonly name: string;
  readonly json: () => Readonly<Record<string, unknown>>;
  /** From the bootstrap, or written inside another resource. */
  readonly isStatic: boolean;
  /** Accepted, but still waiting for another resource. */
  readonly warming: boolean;
  /** Of the response that last changed it; empty for static ones. */
  readonly version: string;
  readonly updatedAtMs: number;
}

/** Everything that was accepted. */
export interface DumpedConfiguration {
  readonly bootstrap: () => Readonly<Record<string, unknown>>;
  readonly startedAtMs: number;
  /** Version of the last accepted response of a kind. */
  readonly versions: { readonly cds: string; readonly lds: string };
  readonly clusters: readonly DumpedResource[];
  readonly listeners: readonly DumpedResource[];
  readonly routes: readonly DumpedResource[];
  readonly endpoints: readonly DumpedResource[];
  /** Without what is private in them. */
  readonly secrets?: readonly DumpedResource[];
}

/** One endpoint as it runs. */
export interface HostStatus {
  readonly address: string;
  readonly port: number;
  readonly hostname: string;
  /** By its configuration alone. */
  readonly configuredHealth: 'healthy' | 'degraded' | 'unhealthy' | 'draining' | 'timeout';
  /** What speaks against it beside. */
  readonly marks: {
    readonly failedActiveCheck: boolean;
    readonly failedOutlierCheck: boolean;
    readonly degradedActiveCheck: boolean;
    readonly pendingRemoval: boolean;
    readonly pendingActiveCheck: boolean;
    readonly excludedAtOnce: boolean;
    readonly activeCheckTimedOut: boolean;
  };
  /** Percent of the interval before; -1 = too few requests, or nobody counts. */
  readonly successRate: number;
  readonly localSuccessRate: number;
  readonly weight: number;
  readonly priority: number;
  /** `region/zone/sub_zone`, or empty. */
  readonly locality: string;
  readonly connections: number;
  readonly openedConnections: number;
  readonly connectFailures: number;
  readonly activeRequests: number;
  readonly pendingRequests: number;
  readonly requests: number;
  readonly successes: number;
  readonly errors: number;
  readonly timeouts: number;
}

/** How much of a cluster may be in use. */
export interface LimitsStatus {
  readonly maxConnections: number;
  readonly maxPending: number;
  readonly maxRequests: number;
  readonly maxRetries: number;
}

/** One cluster as it runs. */
export interface ClusterStatus {
  readonly name: string;
  /** Under which its statistics stand. */
  readonly statName: string;
  readonly addedViaApi: boolean;
  /** Absent when its endpoints do not come by EDS. */
  readonly edsServiceName?: string;
  readonly limits: LimitsStatus;
  /** Of routes with high priority. */
  readonly highLimits: LimitsStatus;
  readonly hosts: readonly HostStatus[];
  /** Of success rates; absent where nobody detects outliers. -1 = there is none. */
  readonly rates?: Readonly<Record<'external' | 'local', { readonly average: number; readonly threshold: number }>>;
}

/** One certificate; never a key. */
export interface CertificateStatus {
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  readonly serial: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** What one TLS context shows and believes. */
export interface ContextStatus {
  /** File, or the name of a secret. */
  readonly chainName: string;
  readonly chain: readonly CertificateStatus[];
  readonly rootsName: string;
  readonly roots: readonly CertificateStatus[];
}

/** What a changing page may do. */
export interface AdminActions {
  resetCounters(): void;
  /** level: Envoy's words; throws with a complaint on others. Returns the level now. */
  logging(level: string | undefined): string;
  drainListeners(which: { readonly inboundOnly: boolean; readonly graceful: boolean }): void;
  failHealthChecks(failing: boolean): void;
  /** Puts this process's clock forward; gives how far it is ahead now, milliseconds. Throws where the clock is the machine's. */
  shiftClock(ms: number): number;
  /** Records the next connections that have one of these ports; those to hosts are opened anew for it. Throws where there is no tap. */
  armTap(connections: number, ports: readonly number[]): void;
  quit(): void;
}

/** What the pages show. */
export interface AdminView {
  state(): ServerState;
  metrics(): readonly MetricEntry[];
  listeners(): readonly { readonly name: string; readonly addresses: readonly string[] }[];
  clusters(): readonly ClusterStatus[];
  outliers(): OutliersPage;
  breakers(): BreakersPage['clusters'];
  certificates(): readonly ContextStatus[];
  wallTimeMs(): number;
  configuration(): DumpedConfiguration;
  /** What the tap recorded; undefined where there is none. */
  tapped(): readonly TappedConnection[] | undefined;
  uptimeMs(): number;
  memory(): { readonly allocated: number; readonly heapSize: number; readonly total: number };
  node(): Readonly<Record<string, unknown>>;
  /** This program's name and version, as Envoy words them. */
  readonly version: string;
  /** The flags of the process; empty in a simulated world. */
  options(): Readonly<Record<string, unknown>>;
  readonly actions: AdminActions;
}
