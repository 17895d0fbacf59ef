/** What one proxy sees of VirtualServices and DestinationRules, and which of their rules are for it. Pure. */
import type { Metadata } from '#envoy';
import { selects } from '../../mesh/labels.ts';
import type { Mesh, MeshService, ProxyNode, StoredVirtualService } from '../../mesh/mesh.ts';
import { isVisible } from '../../mesh/visibility.ts';
import { titleOf } from '../../resources/resource.ts';
import type { HttpMatch } from '../../resources/virtual-service.ts';
import { type EffectiveRule, policyFor } from '../subsets.ts';
import type { RuleContext } from './destinations.ts';

/** Hosts as `visibleServices` gives them; gateway: `namespace/name` of the Gateway that the routes are for, or `mesh`. */
export interface RouteView {
  readonly mesh: Mesh;
  readonly proxy: ProxyNode;
  readonly services: readonly MeshService[];
  readonly gateway: string;
  /** DestinationRules of a service, as this proxy reads them. */
  readonly ruleOf: (hostname: string) => EffectiveRule | undefined;
}

/** What holds for a host, a subset and a port. An unknown subset has what its host has. */
export const policyIn =
  ({ ruleOf }: RouteView): RuleContext['policyOf'] =>
  (hostname, name, port) => {
    const { trafficPolicy, subsets = [] } = ruleOf(hostname) ?? {};
    return policyFor(trafficPolicy, subsets.find((subset) => subset.name === name)?.trafficPolicy, port);
  };

/** VirtualServices with such rules that this proxy may see and that are bound to the view's gateway, oldest first. */
export const boundVirtualServices = (
  { mesh, proxy, gateway }: Pick<RouteView, 'mesh' | 'proxy' | 'gateway'>,
  kind: 'http' | 'tcp' | 'tls' = 'http',
): StoredVirtualService[] =>
  mesh.virtualServices.filter((stored) => {
    const { metadata, spec } = stored.resource;
    return isBoundTo(stored, gateway) && isVisible(spec.exportTo, metadata.namespace, proxy.namespace) && (spec[kind]?.length ?? 0) > 0;
  });

/** True when the VirtualService's `gateways` (default: the word `mesh`) name that gateway. */
const isBoundTo = ({ resource: { spec, metadata } }: StoredVirtualService, gateway: string): boolean => {
  const named = spec.gateways?.length ? spec.gateways : ['mesh'];
  return named.some((name) => gatewayKey(name, metadata.namespace) === gateway);
};

const gatewayKey = (name: string, namespace: string): string => (name === 'mesh' || name.includes('/') ? name : `${namespace}/${name}`);

/** Conditions that are decided here, once, and not per request. */
export const isFor = (
  match: Pick<HttpMatch, 'port' | 'gateways' | 'sourceNamespace' | 'sourceLabels'>,
  { proxy, gateway }: Pick<RouteView, 'proxy' | 'gateway'>,
  namespace: string,
  port: number,
): boolean => {
  if (match.port !== undefined && match.port !== port) return false;
  if (match.gateways?.length && !match.gateways.some((name) => gatewayKey(name, namespace) === gateway)) return false;
  if (match.sourceNamespace !== undefined && match.sourceNamespace !== proxy.namespace) return false;
  return match.sourceLabels === undefined || Object.keys(match.sourceLabels).length === 0 || selects(match.sourceLabels, proxy.labels);
};

/** Where a route came from: Istio's own metadata, which names the root, and the field of the resource that it is written in. */
export const sourceMetadata = (
  { resource: { metadata } }: StoredVirtualService,
  writtenIn: StoredVirtualService,
  fieldPath: string,
): Metadata => ({
  filterMetadata: {
    istio: { config: `/apis/networking.istio.io/v1/namespaces/${metadata.namespace}/virtual-service/${metadata.name}` },
    'dinghy.source': {
      resource: titleOf(writtenIn.resource),
      fieldPath,
      generation: writtenIn.generation,
    },
  },
  typedFilterMetadata: {},
});
