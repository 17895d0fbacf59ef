/** IST0101 ReferencedResourceNotFound: a VirtualService bound to a Gateway that does not exist. It is accepted, and serves nobody there. */
import { nearest } from '../resources/shape.ts';
import type { StoreView } from '../store/config-store.ts';
import type { Finding } from './finding.ts';

/** `mesh` is a word, not a Gateway. */
export const missingGateways = (view: StoreView): readonly Finding[] => {
  const known = view.of('Gateway').map(({ resource: { metadata } }) => `${metadata.namespace}/${metadata.name}`);
  return view.of('VirtualService').flatMap(({ resource }) =>
    (resource.spec.gateways ?? []).flatMap((written, index): Finding[] => {
      const gateway = gatewayName(written, resource.metadata.namespace);
      if (written === 'mesh' || known.includes(gateway)) return [];
      const near = nearest(gateway, known);
      const meant = near === undefined ? '' : `; did you mean "${near}"?`;
      const message = `Referenced gateway not found: "${written}"${meant}`;
      return [{ severity: 'warning', code: 'IST0101', path: `spec.gateways[${index}]`, message, about: resource }];
    }),
  );
};

/** A name without a namespace belongs to the namespace of the resource that uses it. */
export const gatewayName = (written: string, namespace: string): string => (written.includes('/') ? written : `${namespace}/${written}`);
