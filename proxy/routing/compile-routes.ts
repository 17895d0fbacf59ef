/** RouteConfiguration → plans: everything that a route says, compiled, but tied to no listener's filters yet. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { Any, Route, RouteConfiguration, VirtualHost } from '#envoy';
import type { Random } from '#system/random.ts';
import type { RouteMetadata } from '../http/stream-info.ts';
import { compileAction, compileMirrors, type ForwardPlan, type Inherited, REQUEST_FIELDS, RESPONSE_FIELDS } from './compile-action.ts';
import { asksRouter, compileLayer, type HeaderEdit } from './header-edits.ts';
import { compileMatch, compilePath, type RouteTest } from './match.ts';
import { compileDirectResponse, compileRedirect, type OwnAnswer } from './rewrite.ts';
import { compileDomains, type FindHost } from './virtual-hosts.ts';

/** What a matched route does. */
export type ActionPlan =
  | { readonly kind: 'forward'; readonly forward: ForwardPlan }
  | { readonly kind: 'answer'; readonly answer: OwnAnswer; readonly redirects: boolean };

/** Overrides of filters by filter name. */
export type FilterOverrides = Readonly<Record<string, Any>>;

/** One route, compiled. */
export interface RoutePlan {
  readonly name: string;
  readonly metadata: RouteMetadata | undefined;
  /** Where it stands: `virtual_hosts[0].routes[2]`. */
  readonly path: string;
  /** Where it stands by names that stay when others come and go, for what has to be found again: `reviews:9080/canary[2]`. */
  readonly seat: string;
  readonly test: RouteTest;
  readonly action: ActionPlan;
  /** In the order in which they are applied; a target's own come before these, also where the most specific wins among them. (Envoy 1.40) */
  readonly requestEdits: readonly HeaderEdit[];
  readonly responseEdits: readonly HeaderEdit[];
  /** True when the router may be asked something (x-envoy-retry-on) by what these add. */
  readonly editsAsk: boolean;
  /** Most specific first: route, virtual host, route configuration. */
  readonly overrides: readonly FilterOverrides[];
  readonly attemptCount: boolean;
  readonly attemptCountInResponse: boolean;
  /** How much of a request body is kept for retries. */
  readonly bufferBytes: number;
}

/** One virtual host, compiled. */
export interface HostPlan {
  readonly name: string;
  readonly routes: readonly RoutePlan[];
  /** Plain requests are sent to https first. */
  readonly requireTls: boolean;
}

/** A RouteConfiguration, compiled. */
export interface RoutesPlan {
  readonly name: string;
  readonly hosts: readonly HostPlan[];
  readonly find: FindHost<HostPlan>;
}

type EditLists = Pick<Route, 'requestHeadersToAdd' | 'requestHeadersToRemove' | 'responseHeadersToAdd' | 'responseHeadersToRemove'>;

interface Edits {
  /** Whether the router may be asked something by what is added. */
  readonly ask: boolean;
  readonly request: readonly HeaderEdit[];
  readonly response: readonly HeaderEdit[];
}

/** Settings that reach a route from further out. */
interface Outer {
  readonly edits: readonly Edits[];
  readonly overrides: readonly FilterOverrides[];
  readonly mostSpecificLast: boolean;
  readonly maxDirectBytes: number;
  readonly random: Random;
}

const ENVOY_BUFFER_BYTES = 1024 * 1024;
const ENVOY_DIRECT_RESPONSE_BYTES = 4096;

const compileEdits = (message: EditLists): Edits => ({
  ask: asksRouter(message.requestHeadersToAdd),
  request: compileLayer({ add: message.requestHeadersToAdd, remove: message.requestHeadersToRemove }, REQUEST_FIELDS),
  response: compileLayer({ add: message.responseHeadersToAdd, remove: message.responseHeadersToRemove }, RESPONSE_FIELDS),
});

const compileAnyAction = (route: Route, host: Inherited, outer: Outer): ActionPlan => {
  const { action, match } = route;
  if (!action || !match) throw new ConfigError(action ? 'match' : 'action', 'is required');
  const path = inField('match', () => compilePath(match));
  switch (action.$case) {
    case 'route':
      return { kind: 'forward', forward: inField('route', () => compileAction(action.value, path, host)) };
    case 'redirect':
      return { kind: 'answer', answer: inField('redirect', () => compileRedirect(action.value, path)), redirects: true };
    case 'directResponse': {
      const answer = inField('direct_response', () => compileDirectResponse(action.value));
      if (answer.body.length > outer.maxDirectBytes)
        throw new ConfigError(
          'direct_response.body',
          `response body size is ${answer.body.length} bytes; maximum is ${outer.maxDirectBytes}`,
        );
      return { kind: 'answer', answer, redirects: false };
    }
    default:
      throw new ConfigError(
        action.$case.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
        'not supported by this proxy',
      );
  }
};

/** Where a route stands: its virtual host, its own name, its position. */
interface Place {
  readonly host: VirtualHost;
  readonly seat: string;
}

const compileRoute = (route: Route, { host, seat }: Place, inherited: Inherited, outer: Outer): Omit<RoutePlan, 'path'> => {
  refuseUnsupported(route, {
    read: [
      'name',
      'metadata',
      'match',
      'action',
      'typedPerFilterConfig',
      'requestHeadersToAdd',
      'requestHeadersToRemove',
      'responseHeadersToAdd',
      'responseHeadersToRemove',
      'perRequestBufferLimitBytes',
    ],
    ignored: ['decorator', 'tracing', 'statPrefix'],
  });
  const { match } = route;
  if (!match) throw new ConfigError('match', 'is required');
  const layers = [compileEdits(route), ...outer.edits];
  const ordered = outer.mostSpecificLast ? layers.toReversed() : layers;
  return {
    name: route.name,
    metadata: route.metadata?.filterMetadata,
    seat,
    test: inField('match', () => compileMatch(match, compilePath(match), outer.random.stream(`match:${seat}`))),
    action: compileAnyAction(route, inherited, outer),
    requestEdits: ordered.flatMap(({ request }) => request),
    responseEdits: ordered.flatMap(({ response }) => response),
    editsAsk: layers.some(({ ask }) => ask),
    overrides: [route.typedPerFilterConfig, ...outer.overrides].filter((overrides) => Object.keys(overrides).length > 0),
    attemptCount: host.includeRequestAttemptCount,
    attemptCountInResponse: host.includeAttemptCountInResponse,
    bufferBytes: route.perRequestBufferLimitBytes ?? host.perRequestBufferLimitBytes ?? ENVOY_BUFFER_BYTES,
  };
};

const TLS = { none: 0, all: 2 } as const;

const compileHost = (host: VirtualHost, path: string, outer: Outer, mirrors: Inherited['mirrors']): HostPlan => {
  refuseUnsupported(host, {
    read: [
      'name',
      'domains',
      'routes',
      'requireTls',
      'requestHeadersToAdd',
      'requestHeadersToRemove',
      'responseHeadersToAdd',
      'responseHeadersToRemove',
      'typedPerFilterConfig',
      'includeRequestAttemptCount',
      'includeAttemptCountInResponse',
      'retryPolicy',
      'perRequestBufferLimitBytes',
      'requestMirrorPolicies',
    ],
    ignored: ['metadata', 'virtualClusters'],
  });
  if (host.requireTls !== TLS.none && host.requireTls !== TLS.all) throw new ConfigError('require_tls', 'only NONE and ALL are supported');
  const own = compileMirrors(host.requestMirrorPolicies);
  const inherited = { retry: host.retryPolicy, mirrors: own.length > 0 ? own : mirrors };
  const inner = { ...outer, edits: [compileEdits(host), ...outer.edits], overrides: [host.typedPerFilterConfig, ...outer.overrides] };
  const routes = host.routes.map((route, index) => ({
    ...inField(`routes[${index}]`, () => compileRoute(route, { host, seat: `${host.name}/${route.name}[${index}]` }, inherited, inner)),
    path: `${path}.routes[${index}]`,
  }));
  return { name: host.name, routes, requireTls: host.requireTls === TLS.all };
};

/** Throws ConfigError with a path relative to the configuration. random: draws runtime fractions. */
export const compileRoutes = (config: RouteConfiguration, random: Random): RoutesPlan => {
  refuseUnsupported(config, {
    read: [
      'name',
      'virtualHosts',
      'requestHeadersToAdd',
      'requestHeadersToRemove',
      'responseHeadersToAdd',
      'responseHeadersToRemove',
      'mostSpecificHeaderMutationsWins',
      'maxDirectResponseBodySizeBytes',
      'requestMirrorPolicies',
      'ignorePortInHostMatching',
      'typedPerFilterConfig',
    ],
    // validate_clusters is for who knows the clusters to look at.
    ignored: ['validateClusters', 'metadata'],
  });
  const outer: Outer = {
    edits: [compileEdits(config)],
    overrides: [config.typedPerFilterConfig],
    mostSpecificLast: config.mostSpecificHeaderMutationsWins,
    maxDirectBytes: config.maxDirectResponseBodySizeBytes ?? ENVOY_DIRECT_RESPONSE_BYTES,
    random,
  };
  const mirrors = compileMirrors(config.requestMirrorPolicies);
  const hosts = config.virtualHosts.map((host, index) => {
    const path = `virtual_hosts[${index}]`;
    return inField(path, () => compileHost(host, path, outer, mirrors));
  });
  const domains = config.virtualHosts.flatMap((host, index) => {
    const value = hosts[index];
    return value ? [{ domains: host.domains, value }] : [];
  });
  return { name: config.name, hosts, find: inField('virtual_hosts', () => compileDomains(domains, config.ignorePortInHostMatching)) };
};
