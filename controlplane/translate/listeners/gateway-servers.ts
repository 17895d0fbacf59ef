/** Which servers of which Gateways one gateway proxy opens, and for which hosts of which VirtualServices. Pure. */
import { hostCovers, resolveHost } from '../../mesh/hostnames.ts';
import { selects } from '../../mesh/labels.ts';
import type { Mesh, ProxyNode, StoredVirtualService } from '../../mesh/mesh.ts';
import type { GatewayServer } from '../../resources/gateway.ts';

/** One server. gateway: `namespace/name`; hosts: [namespace that may name it or `*`, host]. */
export interface OpenServer {
  readonly server: GatewayServer;
  readonly number: number;
  readonly gateway: string;
  readonly hosts: readonly (readonly [string, string])[];
}

/** Servers of all Gateways that select this proxy, oldest first. */
export const openServers = (mesh: Mesh, proxy: ProxyNode): OpenServer[] =>
  mesh.gateways.flatMap(({ resource: { metadata, spec } }) => {
    const selector = spec.selector ?? {};
    if (Object.keys(selector).length > 0 && !selects(selector, proxy.labels)) return [];
    return (spec.servers ?? []).flatMap((server) => {
      const number = server.port?.number;
      if (number === undefined) return [];
      const hosts = (server.hosts ?? []).map((host) => splitHost(host, metadata.namespace));
      return [{ server, number, gateway: `${metadata.namespace}/${metadata.name}`, hosts }];
    });
  });

const splitHost = (host: string, namespace: string): readonly [string, string] => {
  const [scope, name] = host.includes('/') ? host.split('/', 2) : ['*', host];
  return [scope === '.' ? namespace : (scope ?? '*'), (name ?? '*').toLowerCase()];
};

/** Hosts that both the Gateway opens and the VirtualService names: the narrower of the two. */
export const openHosts = ({ resource: { spec, metadata } }: StoredVirtualService, opened: OpenServer['hosts']): string[] => {
  const wanted = (spec.hosts ?? []).map((host) =>
    host.includes('.') || host === '*' ? host.toLowerCase() : resolveHost(host, metadata.namespace),
  );
  const pairs = opened
    .filter(([scope]) => scope === '*' || scope === metadata.namespace)
    .flatMap(([, open]) => wanted.map((host) => [open, host] as const));
  return [...new Set(pairs.flatMap(([open, host]) => (hostCovers(open, host) ? [host] : hostCovers(host, open) ? [open] : [])))];
};
