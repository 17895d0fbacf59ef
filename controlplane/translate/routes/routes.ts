/** Services and VirtualServices → RouteConfigurations, as one proxy sees them. Pure. */
import { outboundClusterName, PASSTHROUGH_CLUSTER } from '#api/names.ts';
import { type Metadata, Route, type RouteAction, RouteConfiguration, VirtualHost } from '#envoy';
import { bySpecificity, domainsOf, hostCovers, resolveHost } from '../../mesh/hostnames.ts';
import type { Mesh, MeshService, StoredVirtualService } from '../../mesh/mesh.ts';
import type { HttpMatch, HttpRule } from '../../resources/virtual-service.ts';
import { toDuration } from '../pack.ts';
import { rulesOf } from './delegates.ts';
import type { RuleContext } from './destinations.ts';
import { filterOverrides } from './filter-overrides.ts';
import { hashPolicies } from './hash-policy.ts';
import { retryPolicyOf } from './retry-policy.ts';
import { emptyRouteAction, toAction } from './route-action.ts';
import { toRouteMatch } from './route-match.ts';
import { boundVirtualServices, isFor, policyIn, type RouteView, sourceMetadata } from './route-view.ts';

/** RDS of a sidecar's outbound port: one virtual host per HTTP service on it, then the catch-all for unknown hosts. */
export const sidecarRoutes = (view: RouteView, port: number): RouteConfiguration => {
  const services = view.services.filter((service) => service.ports.some(({ number, protocol }) => number === port && protocol === 'http'));
  const ofServices = services.map((service) => serviceVirtualHost(view, service, port));
  const others = port === 80 ? unregisteredVirtualHosts(view) : [];
  return RouteConfiguration.fromPartial({
    name: String(port),
    virtualHosts: [...withDistinctDomains([...ofServices, ...others]), unknownHosts(view.mesh)],
    validateClusters: false,
    ignorePortInHostMatching: true,
  });
};

/** A proxy refuses a table that has one domain twice: the first keeps it, and who has none left goes. */
const withDistinctDomains = (virtualHosts: readonly VirtualHost[]): VirtualHost[] => {
  const taken = new Set<string>();
  return virtualHosts.flatMap((virtualHost) => {
    const domains = virtualHost.domains.filter((domain) => !taken.has(domain));
    for (const domain of domains) taken.add(domain);
    return domains.length === 0 ? [] : [{ ...virtualHost, domains }];
  });
};

/** Hosts of VirtualServices that are no service's: they are known on port 80 only. Source: oracle capture vs-hosts-wildcard. */
const unregisteredVirtualHosts = (view: RouteView): VirtualHost[] =>
  boundVirtualServices(view).flatMap((stored) => {
    const { metadata, spec } = stored.resource;
    const hosts = (spec.hosts ?? [])
      .map((host) => resolveHost(host, metadata.namespace))
      .filter((host) => host !== '*' && !view.services.some(({ hostname }) => hostCovers(host, hostname)));
    return hosts.map((host) =>
      VirtualHost.fromPartial({
        name: `${host}:80`,
        domains: [host],
        routes: routesOf(view, stored, 80),
        includeRequestAttemptCount: true,
      }),
    );
  });

const serviceVirtualHost = (view: RouteView, service: MeshService, port: number): VirtualHost => {
  const { hostname, namespace, vip } = service;
  const own = domainsOf(hostname, namespace, view.proxy.namespace);
  const virtualService = virtualServiceFor(view, hostname);
  const routes = virtualService ? routesOf(view, virtualService, port) : [defaultRoute(view, hostname, port)];
  return VirtualHost.fromPartial({
    name: `${hostname}:${port}`,
    domains: [...own, `${hostname}.`, ...(vip === undefined ? [] : [vip])],
    routes,
    includeRequestAttemptCount: true,
  });
};

/** On sidecars one VirtualService holds per host: the most specific host, and of several the oldest. */
const virtualServiceFor = (view: RouteView, hostname: string): StoredVirtualService | undefined => {
  const candidates = boundVirtualServices(view).flatMap((stored) => {
    const { metadata, spec } = stored.resource;
    const host = (spec.hosts ?? [])
      .map((written) => resolveHost(written, metadata.namespace))
      .filter((pattern) => hostCovers(pattern, hostname))
      .sort(bySpecificity)[0];
    return host === undefined ? [] : [{ stored, host }];
  });
  return candidates.sort((a, b) => bySpecificity(a.host, b.host))[0]?.stored;
};

/** Each match of each rule is one route, in order; nothing follows a catch-all. */
export const routesOf = (view: RouteView, stored: StoredVirtualService, port: number): Route[] => {
  const { namespace } = stored.resource.metadata;
  const findService = (hostname: string) => view.services.find((service) => service.hostname === hostname);
  const routes: Route[] = [];
  for (const { rule, writtenIn, path } of rulesOf(stored, view.mesh.virtualServices)) {
    if (!acts(rule)) continue;
    const context: RuleContext = {
      namespace: writtenIn.resource.metadata.namespace,
      listenerPort: port,
      findService,
      policyOf: policyIn(view),
    };
    for (const [index, match] of (rule.match?.length ? rule.match : [undefined]).entries()) {
      if (match !== undefined && !isFor(match, view, namespace, port)) continue;
      // The matches of a delegate's rule are partly the root's.
      const fieldPath = match === undefined || writtenIn !== stored ? path : `${path}.match[${index}]`;
      routes.push(toRoute({ rule, match, context, metadata: sourceMetadata(stored, writtenIn, fieldPath) }));
      if (isCatchAll(match)) return routes;
    }
  }
  return routes;
};

/** A route without an action would make proxies refuse the whole table. */
const acts = ({ route, redirect, directResponse }: HttpRule): boolean =>
  (route?.length ?? 0) > 0 || redirect !== undefined || directResponse !== undefined;

const isCatchAll = (match: HttpMatch | undefined): boolean => {
  if (match === undefined) return true;
  const { uri, headers, withoutHeaders, queryParams, method, authority, scheme } = match;
  const anyPath = uri === undefined || uri.prefix === '/' || uri.prefix === '' || uri.regex === '.*';
  return (
    anyPath &&
    !method &&
    !authority &&
    !scheme &&
    [headers, withoutHeaders, queryParams].every((conditions) => Object.keys(conditions ?? {}).length === 0)
  );
};

interface RouteInput {
  readonly rule: HttpRule;
  readonly match: HttpMatch | undefined;
  readonly context: RuleContext;
  readonly metadata: Metadata;
}

const toRoute = ({ rule, match, context, metadata }: RouteInput): Route => ({
  name: [rule.name, match?.name].filter((part) => part !== undefined).join('.'),
  match: toRouteMatch(match),
  ...toAction(rule, context),
  metadata,
  typedPerFilterConfig: filterOverrides(rule),
  statPrefix: match?.statPrefix ?? '',
});

const plainRoute = (name: string, cluster: string, more: Partial<RouteAction>): Route =>
  Route.fromPartial({
    name,
    match: toRouteMatch(undefined),
    action: {
      $case: 'route',
      value: {
        ...emptyRouteAction(),
        clusterSpecifier: { $case: 'cluster', value: cluster },
        timeout: toDuration(0),
        maxGrpcTimeout: toDuration(0),
        ...more,
      },
    },
  });

/** A host that a hash chose is avoided by the next try here, other than where a VirtualService speaks of it: istiod's default route knows nothing of hashes. */
const defaultRoute = (view: RouteView, hostname: string, port: number): Route => {
  const retryPolicy = retryPolicyOf();
  const hashPolicy = hashPolicies(policyIn(view)(hostname, '', port).loadBalancer?.consistentHash);
  return plainRoute('default', outboundClusterName(port, '', hostname), { ...(retryPolicy && { retryPolicy }), hashPolicy });
};

const unknownHosts = ({ config }: Mesh): VirtualHost => {
  if (config.outboundTrafficPolicy === 'ALLOW_ANY') {
    return VirtualHost.fromPartial({
      name: 'allow_any',
      domains: ['*'],
      routes: [plainRoute('allow_any', PASSTHROUGH_CLUSTER, {})],
      includeRequestAttemptCount: true,
    });
  }
  const blocked = Route.fromPartial({
    name: 'block_all',
    match: toRouteMatch(undefined),
    action: { $case: 'directResponse', value: { status: 502 } },
  });
  return VirtualHost.fromPartial({ name: 'block_all', domains: ['*'], routes: [blocked], includeRequestAttemptCount: true });
};
