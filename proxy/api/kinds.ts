/** The resource kinds that travel by xDS, in push order: make before break. Source: xDS protocol, "Eventual consistency considerations". */

const prefix = 'type.googleapis.com/';

/** Short words for the kinds, in the order in which changes are sent. */
export const KINDS = ['cds', 'eds', 'sds', 'lds', 'rds'] as const;

/** One kind of resource. */
export type Kind = (typeof KINDS)[number];

/** Type URLs as they stand in DiscoveryRequest.type_url. */
export const TYPE_URLS: Readonly<Record<Kind, string>> = {
  cds: `${prefix}envoy.config.cluster.v3.Cluster`,
  eds: `${prefix}envoy.config.endpoint.v3.ClusterLoadAssignment`,
  sds: `${prefix}envoy.extensions.transport_sockets.tls.v3.Secret`,
  lds: `${prefix}envoy.config.listener.v3.Listener`,
  rds: `${prefix}envoy.config.route.v3.RouteConfiguration`,
};

/** The kind behind a type URL; undefined for kinds that nobody here speaks. */
export const kindOf = (typeUrl: string): Kind | undefined => KINDS.find((kind) => TYPE_URLS[kind] === typeUrl);
