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

/** connected: in the order in which they came; of two streams of one node the later counts, the other is about to be found dead. */
export const syncStatus = (version: number, connected: Iterable<ConnectedProxy>): SyncStatus => {
  const byNode = new Map<string, ProxySync>();
  for (const { proxy, session, connectedAtMs } of connected) {
    const { id, workload, namespace } = proxy;
    byNode.set(id, { node: id, workload, namespace, connectedAt: new Date(connectedAtMs).toISOString(), ...session.sync });
  }
  return { version, proxies: [...byNode.values()].sort((a, b) => (a.node < b.node ? -1 : 1)) };
};
