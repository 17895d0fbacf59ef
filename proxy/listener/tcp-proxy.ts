/** Opaque connections, copied both ways. Which cluster: by name, or by weight. */
import { ConfigError, refuseUnsupported } from '#api/config-error.ts';
import type { TcpProxy } from '#envoy';
import type { Connection } from '#system/network.ts';
import type { System } from '#system/system.ts';
import type { DownstreamConnection } from '../http/stream-info.ts';

/** Serves one connection from its first byte; owns it. */
export type ServeTcp = (connection: Connection, downstream: DownstreamConnection) => void;

/** A way to a cluster's host; rejects when there is none. */
export type DialCluster = (cluster: string, downstream: DownstreamConnection) => Promise<Connection>;

const join = (from: Connection, to: Connection): void => {
  from.on('data', (chunk: Buffer) => {
    if (!to.write(chunk)) from.pause();
  });
  to.on('drain', () => from.resume());
  from.on('end', () => to.end());
  from.on('error', () => {});
  from.on('close', () => {
    if (!from.readableEnded) to.destroy();
  });
  from.resume();
};

/** Throws ConfigError for what is not supported. */
export const compileTcpProxy = (config: TcpProxy, dial: DialCluster, system: System): ServeTcp => {
  refuseUnsupported(config, { read: ['clusterSpecifier'], ignored: ['statPrefix', 'maxConnectAttempts', 'idleTimeout', 'accessLog'] });
  const pick = clusterPicker(config, system);
  return (connection, downstream) => {
    connection.on('error', () => {});
    dial(pick(), downstream).then(
      (upstream) => {
        if (connection.destroyed) return upstream.destroy();
        join(connection, upstream);
        join(upstream, connection);
      },
      (error: unknown) => {
        system.log.debug('tcp.dial-failed', { error: String(error) });
        connection.destroy();
      },
    );
  };
};

const clusterPicker = (config: TcpProxy, { random }: System): (() => string) => {
  const chosen = config.clusterSpecifier;
  if (!chosen) throw new ConfigError('cluster', 'is missing');
  if (chosen.$case === 'cluster') return () => chosen.value;
  const { clusters } = chosen.value;
  const total = clusters.reduce((sum, { weight }) => sum + weight, 0);
  if (total <= 0) throw new ConfigError('weighted_clusters', 'the weights must add up to more than 0');
  return () => {
    let left = random.float() * total;
    for (const { name, weight } of clusters) {
      left -= weight;
      if (left < 0) return name;
    }
    return clusters[0]?.name ?? '';
  };
};
