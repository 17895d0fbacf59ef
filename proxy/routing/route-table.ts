/** Which route: virtual host by Host header, then the first of its routes that fits. Every route's walk is composed when the table is built. */
import type { CompiledRoute, RouteTable } from '../http/connection-manager.ts';
import type { Handler } from '../http/filter.ts';
import { type HttpRequest, schemeOf } from '../http/message.ts';
import type { HostPlan, RoutePlan, RoutesPlan } from './compile-routes.ts';
import { pathOf, type RouteTest } from './match.ts';

/** How one connection manager turns plans into walks: its filters around its router. */
export interface ComposeRoutes {
  route(plan: RoutePlan): Handler;
  /** Nothing matched: the listener's filters in front of an answer NR. */
  readonly noRoute: Handler;
  /** A plain request to a host that wants TLS. */
  readonly toHttps: Handler;
}

interface Row {
  readonly test: RouteTest;
  readonly compiled: CompiledRoute;
}

const isPlain = (request: HttpRequest): boolean => schemeOf(request) !== 'https';

/** compose may throw ConfigError: a route's overrides must fit the filters. */
export const buildRouteTable = (plan: RoutesPlan, compose: ComposeRoutes): RouteTable => {
  const noRoute: CompiledRoute = { name: '', handle: compose.noRoute };
  const toHttps: CompiledRoute = { name: '', handle: compose.toHttps };
  const rows = new Map<HostPlan, readonly Row[]>(
    plan.hosts.map((host) => [
      host,
      host.routes.map((route) => ({
        test: route.test,
        compiled: { name: route.name, metadata: route.metadata, handle: compose.route(route) },
      })),
    ]),
  );
  return {
    match: (request) => {
      const host = plan.find(request.authority);
      if (host === undefined) return noRoute;
      if (host.requireTls && isPlain(request)) return toHttps;
      const path = pathOf(request.path);
      for (const row of rows.get(host) ?? []) if (row.test(request, path)) return row.compiled;
      return noRoute;
    },
  };
};
