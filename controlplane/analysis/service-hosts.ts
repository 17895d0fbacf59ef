/** Every host that a Service or a ServiceEntry declares. Pure. */
import { CLUSTER_SUFFIX, resolveHost } from '../mesh/hostnames.ts';
import type { StoreView } from '../store/config-store.ts';

/** Fully qualified; wildcards of ServiceEntries stay wildcards. */
export const serviceHosts = (view: StoreView): string[] => [
  ...view.of('Service').map(({ resource: { metadata } }) => `${metadata.name}.${metadata.namespace}.${CLUSTER_SUFFIX}`),
  ...view
    .of('ServiceEntry')
    .flatMap(({ resource: { metadata, spec } }) => (spec.hosts ?? []).map((host) => resolveHost(host, metadata.namespace))),
];
