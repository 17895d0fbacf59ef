/** Clusters and listeners of the bootstrap itself; nothing that arrives replaces or removes them. */
import { ConfigError } from '#api/config-error.ts';
import type { Kind } from '#api/kinds.ts';
import type { Bootstrap, Cluster, Listener } from '#envoy';
import { AGENT_CLUSTER } from './proxy-secrets.ts';
import { errorText } from './xds/accept-response.ts';
import { controlPlaneCluster } from './xds/control-plane-address.ts';

/** By name. */
export interface StaticResources {
  readonly cds: ReadonlyMap<string, Cluster>;
  readonly lds: ReadonlyMap<string, Listener>;
}

/** Without those that lead to the control plane and to the local agent: they are none of the proxy's own. */
export const staticResources = (bootstrap: Bootstrap): StaticResources => {
  const { clusters = [], listeners = [] } = bootstrap.staticResources ?? {};
  const others = new Set([controlPlaneCluster(bootstrap), AGENT_CLUSTER]);
  return {
    cds: new Map(clusters.filter(({ name }) => !others.has(name)).map((cluster) => [cluster.name, cluster])),
    lds: new Map(listeners.map((listener) => [listener.name, listener])),
  };
};

/** Does something with one of them; a complaint gets its name. */
export const inStatic = (kind: Kind, name: string, check: () => void): void => {
  try {
    check();
  } catch (error) {
    if (error instanceof ConfigError) throw new ConfigError('', errorText(kind, name, error.message), { cause: error });
    throw error;
  }
};
