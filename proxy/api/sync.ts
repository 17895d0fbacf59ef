/** What the control plane tells over HTTP (`GET /debug/syncz`) of each connected proxy, so that a test can wait for "proxy P acknowledged version V". */
import type { Kind } from './kinds.ts';

/** One kind at one proxy. Versions are the control plane's configuration versions (a growing integer as text). */
export interface KindSync {
  /** Version last sent; empty before the first. */
  readonly sent: string;
  /** Version last acknowledged. */
  readonly acknowledged: string;
  /** Version last refused, and the proxy's words. */
  readonly refused?: { readonly version: string; readonly reason: string };
  readonly resources: number;
}

/** As istioctl proxy-status has it. */
export type SyncState = 'SYNCED' | 'STALE' | 'NOT SENT' | 'ERROR';

/** One connected proxy. */
export interface ProxySync {
  /** Node id. */
  readonly node: string;
  readonly workload: string;
  readonly namespace: string;
  readonly connectedAt: string;
  readonly kinds: Readonly<Record<Kind, KindSync & { readonly state: SyncState }>>;
  /** Highest configuration version of which every kind that there is for this proxy is acknowledged (what did not change counts as acknowledged); 0 before it has asked for all of them. */
  readonly version: number;
}

/** Body of `GET /debug/syncz`. */
export interface SyncStatus {
  /** Version of the configuration now in force. */
  readonly version: number;
  readonly proxies: readonly ProxySync[];
}
