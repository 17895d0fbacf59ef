/** IST0109 ConflictingMeshGatewayVirtualServiceHosts: two VirtualServices for one host on the sidecars. The older one holds, the other is ignored. */
import { resolveHost } from '../mesh/hostnames.ts';
import type { StoreView } from '../store/config-store.ts';
import type { Finding } from './finding.ts';

/** Complains about the younger ones. */
export const conflictingHosts = (view: StoreView): readonly Finding[] => {
  const owners = new Map<string, string>();
  return view.of('VirtualService').flatMap(({ resource }) => {
    const { metadata, spec } = resource;
    if (spec.gateways?.length && !spec.gateways.includes('mesh')) return [];
    const own = `${metadata.namespace}/${metadata.name}`;
    return (spec.hosts ?? []).flatMap((written, index): Finding[] => {
      const host = resolveHost(written, metadata.namespace);
      const owner = owners.get(host);
      if (owner === undefined) owners.set(host, own);
      if (owner === undefined || owner === own) return [];
      const message = `The VirtualServices ${owner},${own} associated with mesh gateway define the same host ${host}; the oldest holds, this one is ignored`;
      return [{ severity: 'warning', code: 'IST0109', path: `spec.hosts[${index}]`, message, about: resource }];
    });
  });
};
