/** EnvoyFilter: changes of what proxies get, in Envoy's own words. Source: istio.io/api networking/v1alpha3 envoy_filter.proto. Of the few that this mesh makes, see validation. */
import { anything, int, listOf, mapOf, object, oneOf, str, uint } from './shape.ts';

const listener = object({
  portNumber: uint,
  portName: str,
  name: str,
  listenerFilter: str,
  filterChain: object({
    name: str,
    sni: str,
    transportProtocol: str,
    applicationProtocols: str,
    destinationPort: uint,
    filter: object({ name: str, subFilter: object({ name: str }) }),
  }),
});

const routeConfiguration = object({
  portNumber: uint,
  portName: str,
  gateway: str,
  name: str,
  vhost: object({ name: str, domainName: str, route: object({ name: str, action: oneOf('ANY', 'ROUTE', 'REDIRECT', 'DIRECT_RESPONSE') }) }),
});

const configPatch = object({
  applyTo: str,
  match: object({
    context: oneOf('ANY', 'SIDECAR_INBOUND', 'SIDECAR_OUTBOUND', 'GATEWAY'),
    proxy: anything,
    listener,
    routeConfiguration,
    cluster: object({ name: str, service: str, portNumber: uint, subset: str }),
    waypoint: anything,
  }),
  patch: object({ operation: str, value: anything, filterClass: str }),
});

/** The fields that an EnvoyFilter's spec may have. */
export const envoyFilterShape = object({
  workloadSelector: object({ labels: mapOf(str) }),
  targetRefs: anything,
  configPatches: listOf(configPatch),
  priority: int,
});

/** An EnvoyFilter as people write it. */
export type EnvoyFilterSpec = ReturnType<typeof envoyFilterShape.typeOf>;
/** One change. */
export type ConfigPatch = NonNullable<EnvoyFilterSpec['configPatches']>[number];

const TYPED_STRUCT = /\/(?:udpa\.type\.v1|xds\.type\.v3)\.TypedStruct$/;

/** A tree of JSON whose TypedStructs are what they stand for: `{"@type": type_url, ...value}`. */
export const unwrapped = (tree: unknown): unknown => {
  if (Array.isArray(tree)) return tree.map(unwrapped);
  if (typeof tree !== 'object' || tree === null) return tree;
  const { '@type': type, type_url, typeUrl = type_url, value } = tree as Readonly<Record<string, unknown>>;
  if (typeof type === 'string' && TYPED_STRUCT.test(type) && typeof value === 'object')
    return { '@type': typeUrl, ...(unwrapped(value) as object) };
  return Object.fromEntries(Object.entries(tree).map(([key, item]) => [key, unwrapped(item)]));
};
