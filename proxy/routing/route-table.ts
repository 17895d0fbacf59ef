/** Which route: virtual host by Host header, then the first of its routes that fits. Every route's walk is composed when the table is built. */
import type { CompiledRoute, RouteTable } from '../http/connection-manager.ts';
import type { Handler } from '../http/filter.ts';
import { type HttpRequest, type HttpResponse, schemeOf } from '../http/message.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import type { HostPlan, RoutePlan, RoutesPlan } from './compile-routes.ts';
import { pathOf, type RouteTest } from './match.ts';

/** A composed walk, and what of it is left behind each filter after which requests are matched again; mostly there is none. */
export interface Walk {
  readonly handle: Handler;
  readonly after: readonly Handler[];
}

/** Matches once more, and goes on behind the `at`-th of those filters. */
export type MatchAgain = (request: HttpRequest, stream: StreamInfo, at: number) => Promise<HttpResponse>;

/** How one connection manager turns plans into walks: its filters around its router. */
export interface ComposeRoutes {
  route(plan: RoutePlan, again: MatchAgain): Walk;
  /** Nothing matched: the listener's filters in front of an answer NR. */
  noRoute(again: MatchAgain): Walk;
  /** A plain request to a host that wants TLS. */
  readonly toHttps: Handler;
}

type WalkedRoute = CompiledRoute & Pick<Walk, 'after'>;

interface Row {
  readonly test: RouteTest;
  readonly compiled: WalkedRoute;
}

const isPlain = (request: HttpRequest): boolean => schemeOf(request) !== 'https';

/** compose may throw ConfigError: a route's overrides must fit the filters. */
export const buildRouteTable = (plan: RoutesPlan, compose: ComposeRoutes): RouteTable => {
  const again: MatchAgain = (request, stream, at) => {
    const found = match(request, stream.metadata);
    stream.routeName = found.name;
    stream.routeMetadata = found.metadata;
    return (found.after[at] ?? found.handle)(request, stream);
  };
  const noRoute: WalkedRoute = { name: '', ...compose.noRoute(again) };
  const toHttps: WalkedRoute = { name: '', handle: compose.toHttps, after: [] };
  const rows = new Map<HostPlan, readonly Row[]>(
    plan.hosts.map((host) => [
      host,
      host.routes.map((route) => ({
        test: route.test,
        compiled: {
          name: route.name,
          metadata: route.metadata,
          idleTimeoutMs: route.action.kind === 'forward' ? route.action.forward.idleTimeoutMs : undefined,
          ...compose.route(route, again),
        },
      })),
    ]),
  );
  const match = (request: HttpRequest, metadata?: StreamInfo['metadata']): WalkedRoute => {
    const host = plan.find(request.authority);
    if (host === undefined) return noRoute;
    if (host.requireTls && isPlain(request)) return toHttps;
    const path = pathOf(request.path);
    for (const row of rows.get(host) ?? []) if (row.test(request, path, metadata)) return row.compiled;
    return noRoute;
  };
  return { match: (request) => match(request) };
};
