/** Which HTTP filters a chain gets, in which order, and why that order. Pure. */
import type { Any, HttpFilter } from '#envoy';
import { pack } from '../pack.ts';

const filter = (name: string, message: string, fields: object = {}): HttpFilter => ({
  name,
  configType: { $case: 'typedConfig', value: pack(message, fields) as Any },
  isOptional: false,
  disabled: false,
});

/**
 * Security, grpc_stats, fault, cors, router: Istio's order. Fault stands before cors and router, so that an injected fault is never retried nor timed out;
 * what guards a workload stands in front of all, so that a denied request is never delayed.
 */
export const httpFilters = (security: readonly HttpFilter[] = []): HttpFilter[] => [
  ...security,
  filter('envoy.filters.http.grpc_stats', 'envoy.extensions.filters.http.grpc_stats.v3.FilterConfig', {
    emitFilterState: true,
    perMethodStatSpecifier: { $case: 'statsForAllMethods', value: false },
  }),
  filter('envoy.filters.http.fault', 'envoy.extensions.filters.http.fault.v3.HTTPFault'),
  filter('envoy.filters.http.cors', 'envoy.extensions.filters.http.cors.v3.Cors'),
  filter('envoy.filters.http.router', 'envoy.extensions.filters.http.router.v3.Router'),
];

/** What gRPC libraries know of these: fault, and the router that ends every chain. */
export const proxylessHttpFilters = (): HttpFilter[] => httpFilters().filter(({ name }) => /\.(?:fault|router)$/.test(name));
