/** IST0132 VirtualServiceHostNotFoundInGateway: the Gateway does not open that host, so nobody can ask for it there. */
import { hostCovers, resolveHost } from '../mesh/hostnames.ts';
import type { ResourceOf } from '../resources/resource.ts';
import type { StoreView } from '../store/config-store.ts';
import type { Finding } from './finding.ts';
import { gatewayName } from './missing-gateways.ts';

/** Gateways that do not exist are another complaint's business. */
export const hostsNotOnGateway = (view: StoreView): readonly Finding[] => {
  const gateways = new Map(
    view.of('Gateway').map(({ resource }) => [`${resource.metadata.namespace}/${resource.metadata.name}`, resource]),
  );
  return view.of('VirtualService').flatMap(({ resource }) => {
    const { metadata, spec } = resource;
    return (spec.gateways ?? []).flatMap((written): Finding[] => {
      const gateway = gateways.get(gatewayName(written, metadata.namespace));
      if (!gateway) return [];
      return (spec.hosts ?? []).flatMap((host, index): Finding[] => {
        if (opens(gateway, host, metadata.namespace)) return [];
        const place = `${gateway.metadata.namespace}/${gateway.metadata.name}`;
        const message = `one or more host [${host}] defined in VirtualService ${metadata.namespace}/${metadata.name} not found in Gateway ${place}`;
        return [{ severity: 'warning', code: 'IST0132', path: `spec.hosts[${index}]`, message, about: resource }];
      });
    });
  });
};

const opens = ({ spec, metadata }: ResourceOf<'Gateway'>, host: string, namespace: string): boolean =>
  (spec.servers ?? [])
    .flatMap(({ hosts = [] }) => hosts)
    .some((written) => {
      const [scope, open] = written.includes('/') ? written.split('/', 2) : ['*', written];
      const isMeant = scope === '*' || (scope === '.' ? metadata.namespace : scope) === namespace;
      const names = [host, resolveHost(host, namespace)].map((name) => name.toLowerCase());
      return isMeant && names.some((name) => hostCovers((open ?? '').toLowerCase(), name) || hostCovers(name, (open ?? '').toLowerCase()));
    });
