/** What a filter type is: a type URL, and how its configuration becomes a filter. Rows of registry.ts. */
import type { Any, HeaderValueOption, RouteMatch } from '#envoy';
import type { Connection } from '#system/network.ts';
import type { Random } from '#system/random.ts';
import type { System } from '#system/system.ts';
import type { Handler, HttpFilter } from '../http/filter.ts';
import type { RequestTest } from '../http/header-match.ts';
import type { HttpRequest } from '../http/message.ts';
import type { StreamInfo } from '../http/stream-info.ts';

/** Changes a draft of fields in place. */
export type HeaderEdit = (draft: string[], request: HttpRequest, stream: StreamInfo) => void;

/** What a filter may use beyond the request. */
export interface FilterRoom {
  readonly system: System;
  /** What this filter leaves to chance at this place; in place of system.random. */
  readonly random: Random;
  /** A way to another cluster by name, for filters that ask somebody (ext_authz, JWKS). */
  readonly upstream: (cluster: string) => Handler;
  /** A connection to a host of another cluster, for filters that speak something else than HTTP/1.1. Rejects with StreamError. */
  readonly dial: (cluster: string, signal: AbortSignal) => Promise<Connection>;
  /** The test of a route's match, for filters that have rules by route of their own. Throws ConfigError with a path relative to the match. */
  readonly requestTest: (match: RouteMatch) => RequestTest;
  /** Where this filter stands, by names that stay: what it keeps over a change of configuration is found again by it. */
  readonly place: string;
  /** Fields to add, compiled as those of routes are. Throws ConfigError with a path that begins with the field's name. */
  readonly headerEdits: (added: readonly HeaderValueOption[], field: string) => readonly HeaderEdit[];
  /** Statistics prefix of the connection manager around this filter. */
  readonly statPrefix: string;
}

/** One kind of HTTP filter. Both functions throw ConfigError. */
export interface FilterType {
  readonly typeUrl: string;
  /** True: routes that answer themselves (redirect, direct response) are none of its business. */
  readonly forwardedOnly?: true;
  /** config: the filter's typed_config. Returns undefined when so configured it would never do anything. */
  compile(config: Any, room: FilterRoom): HttpFilter | undefined;
  /** Whether requests must be matched again after the filter so configured, since what it finds out may decide the route. */
  clearsRoute?(config: Any): boolean;
  /** Of a route's own settings. */
  readonly overrideUrl?: string;
  /** A route's own settings (typed_per_filter_config) on top of the listener's. */
  compileRoute?(config: Any, override: Any, room: FilterRoom): HttpFilter | undefined;
}
