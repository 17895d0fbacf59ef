/** IST0113 MTLSPolicyConflict: a DestinationRule makes clients speak plain text to a service that takes mutual TLS only. */

import { inboundModes } from '../../mesh/effective-policy.ts';
import { resolveHost } from '../../mesh/hostnames.ts';
import type { StoreView } from '../../store/config-store.ts';
import type { Finding } from '../finding.ts';
import { settingsOf } from './declared-workloads.ts';

/** Services of this mesh only; the mode of the first port, by the labels that the service selects. */
export const plainAgainstStrict = (view: StoreView): readonly Finding[] => {
  const policies = { peerAuthentications: view.of('PeerAuthentication'), config: settingsOf(view) };
  const services = new Map(
    view.of('Service').map(({ resource }) => [resolveHost(resource.metadata.name, resource.metadata.namespace), resource] as const),
  );
  return view.of('DestinationRule').flatMap(({ resource }): Finding[] => {
    const mode = resource.spec.trafficPolicy?.tls?.mode;
    const host = resolveHost(resource.spec.host ?? '', resource.metadata.namespace);
    const service = services.get(host);
    if (service === undefined || (mode !== 'DISABLE' && mode !== 'SIMPLE')) return [];
    const workload = { namespace: service.metadata.namespace, labels: service.spec.selector ?? {} };
    const ports = (service.spec.ports ?? []).map(({ port = 0, targetPort }) => Number(targetPort ?? port));
    const modeOf = inboundModes(policies, workload);
    if (ports.length === 0 || !ports.every((port) => modeOf(port) === 'STRICT')) return [];
    const message = `A DestinationRule and PeerAuthentication are in conflict with regards to mTLS: clients of ${host} use ${mode}, and it takes STRICT mutual TLS only`;
    return [{ severity: 'warning', code: 'IST0113', path: 'spec.trafficPolicy.tls.mode', message, about: resource }];
  });
};
