/** The program behind a sidecar → its cluster. Pure. */
import { inboundClusterName } from '#api/names.ts';
import { Cluster, Cluster_DiscoveryType } from '#envoy';
import { toLoadAssignment } from '../endpoints/load-assignment.ts';
import { byLocality } from '../endpoints/locality.ts';
import { type EffectiveRule, policyFor } from '../subsets.ts';
import { connectionSettings } from './connection-pool.ts';
import { sourceMetadata } from './source-metadata.ts';

/** number: the workload's; servicePort: of the service, which rules name; appPort: of the program on 127.0.0.1. */
export interface ServedPort {
  readonly number: number;
  readonly servicePort: number;
  readonly appPort: number;
}

/** Whoever limits or widens the connections of callers means the server, too: so of the rule for the service, the connection pool holds here as well. Nothing else does. */
export const inboundCluster = ({ number, servicePort, appPort }: ServedPort, { trafficPolicy, source }: EffectiveRule): Cluster => {
  const name = inboundClusterName(number);
  const policy = policyFor(trafficPolicy, undefined, servicePort);
  return Cluster.fromPartial({
    name,
    clusterDiscoveryType: { $case: 'type', value: Cluster_DiscoveryType.STATIC },
    loadAssignment: toLoadAssignment(name, byLocality([{ address: '127.0.0.1', port: appPort, weight: 1 }])),
    ...(trafficPolicy && source && { metadata: sourceMetadata(source) }),
    ...connectionSettings(policy, 'never'),
  });
};
