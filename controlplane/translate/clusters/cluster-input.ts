/** What decides what a cluster of a service is. */
import type { Mesh, MeshService, ProxyNode, ServicePort } from '../../mesh/mesh.ts';
import type { TrafficPolicy } from '../../resources/destination-rule.ts';
import type { RuleSource, Sections } from '../subsets.ts';

/** Who calls: only a proxy that has an identity can show it, and where it runs decides what is near. */
export type Caller = Pick<ProxyNode, 'labels' | 'locality'>;

/** One port of a service, or of one subset of it. labels: those of the subset; policy: what holds for just this. */
export interface OutboundInput {
  readonly mesh: Mesh;
  readonly caller: Caller;
  readonly service: MeshService;
  readonly port: ServicePort;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly policy: Sections;
  readonly source: RuleSource | undefined;
  readonly subset: string | undefined;
}

/** Whether clients are sent where they dial, so that nobody's endpoints are asked for. */
export const isPassthrough = ({ discovery }: MeshService, { loadBalancer }: Pick<TrafficPolicy, 'loadBalancer'>): boolean =>
  discovery === 'passthrough' || loadBalancer?.simple === 'PASSTHROUGH';
