/** IST0174 UnknownDestinationRuleHost: a DestinationRule for a host that nobody declared. It does nothing. */
import { hostCovers, resolveHost } from '../mesh/hostnames.ts';
import { nearest } from '../resources/shape.ts';
import type { StoreView } from '../store/config-store.ts';
import type { Finding } from './finding.ts';
import { serviceHosts } from './service-hosts.ts';

/** A wildcard is right when it covers at least one host. */
export const unknownRuleHosts = (view: StoreView): readonly Finding[] => {
  const known = serviceHosts(view);
  return view.of('DestinationRule').flatMap(({ resource }): Finding[] => {
    const written = resource.spec.host ?? '';
    const host = resolveHost(written, resource.metadata.namespace);
    if (known.some((declared) => hostCovers(host, declared) || hostCovers(declared, host))) return [];
    const near = nearest(host, known);
    const meant = near === undefined ? '' : `; did you mean "${near}"?`;
    const message = `The host ${written} defined in the DestinationRule does not match any services in the mesh${meant}`;
    return [{ severity: 'warning', code: 'IST0174', path: 'spec.host', message, about: resource }];
  });
};
