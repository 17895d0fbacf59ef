/** Sent, acknowledged, refused: per proxy and kind, as `GET /debug/syncz` tells it. Pure. */
import type { ProxySync, SyncStatus } from '#api/sync.ts';
import type { ProxyNode } from '../translate/proxy-node.ts';
import type { Session } from './session.ts';

/** A proxy and its open stream. */
export interface ConnectedProxy {
  readonly proxy: ProxyNode;
  readonly session: Session;
  readonly connectedAtMs: number;
}

/** The configuration in force, and whether something is still to be told. */
export interface InForce {
  readonly version: number;
  readonly pushPending: boolean;
}

/** connected: in the order in which they came; of two streams of one node the later counts, the other is about to be found dead. */
export const syncStatus = ({ version, pushPending }: InForce, connected: Iterable<ConnectedProxy>): SyncStatus => {
  // A change of who runs has no version of its own: until it is pushed, nobody can be said to be up to date.
  const newest = pushPending ? version - 1 : version;
  const byNode = new Map<string, ProxySync>();
  for (const { proxy, session, connectedAtMs } of connected) {
    const { id, workload, namespace } = proxy;
    byNode.set(id, {
      node: id,
      workload,
      namespace,
      connectedAt: new Date(connectedAtMs).toISOString(),
      ...session.sync,
      version: Math.min(session.sync.version, newest),
    });
  }
  return { version, proxies: [...byNode.values()].sort((a, b) => (a.node < b.node ? -1 : 1)) };
};
