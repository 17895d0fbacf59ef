/** Destinations of a rule → clusters, their shares, and what of a request chooses among their endpoints. Pure. Source: istio pilot/pkg/networking/core/route. */
import { outboundClusterName } from '#api/names.ts';
import type { Route, RouteAction } from '#envoy';
import { resolveHost } from '../../mesh/hostnames.ts';
import type { MeshService } from '../../mesh/mesh.ts';
import type { Destination, HttpRule } from '../../resources/virtual-service.ts';
import type { Sections } from '../subsets.ts';
import { type ConsistentHash, hashPolicies } from './hash-policy.ts';
import { headerEdits } from './header-edits.ts';

/** Where a rule stands: its namespace decides what short names mean, the listener's port is the default port. */
export interface RuleContext {
  readonly namespace: string;
  readonly listenerPort: number;
  readonly findService: (hostname: string) => MeshService | undefined;
  /** What DestinationRules say of a host, a subset of it and a port. */
  readonly policyOf: (hostname: string, subset: string, port: number) => Sections;
}

/** What a rule's destinations make of its route. edits: of the route itself, after the rule's own. */
export interface RuleTargets {
  readonly clusterSpecifier: NonNullable<RouteAction['clusterSpecifier']>;
  readonly hashPolicy: RouteAction['hashPolicy'];
  readonly choice: 'free' | 'by hash';
  readonly edits: ReturnType<typeof headerEdits>;
}

interface Target {
  readonly hostname: string;
  readonly subset: string;
  readonly port: number;
}

const targetOf = (destination: Destination, { namespace, listenerPort, findService }: Omit<RuleContext, 'policyOf'>): Target => {
  const hostname = resolveHost(destination.host ?? '', namespace);
  const ports = findService(hostname)?.ports ?? [];
  const port = destination.port?.number ?? (ports.length === 1 ? ports[0]?.number : undefined) ?? listenerPort;
  return { hostname, subset: destination.subset ?? '', port };
};

/** Cluster that a destination means; written even when nobody has that subset: Envoy then answers 503 NC. */
export const clusterOf = (destination: Destination, context: Omit<RuleContext, 'policyOf'>): string => {
  const { hostname, subset, port } = targetOf(destination, context);
  return outboundClusterName(port, subset, hostname);
};

const hashOf = (destination: Destination, context: RuleContext): ConsistentHash | undefined => {
  const { hostname, subset, port } = targetOf(destination, context);
  return context.policyOf(hostname, subset, port).loadBalancer?.consistentHash;
};

const NO_EDITS = headerEdits(undefined, undefined);

/** A single destination is a cluster, and its edits are the route's; several share by weight, those of weight 0 get nothing. */
export const targetsOf = (rule: HttpRule, context: RuleContext): RuleTargets => {
  const routes = rule.route ?? [];
  const [only] = routes;
  if (routes.length === 1 && only) {
    const destination = only.destination ?? {};
    const hash = hashOf(destination, context);
    return {
      clusterSpecifier: { $case: 'cluster', value: clusterOf(destination, context) },
      hashPolicy: hashPolicies(hash),
      choice: hash ? 'by hash' : 'free',
      edits: headerEdits(only.headers?.request, only.headers?.response),
    };
  }
  const weighted = routes.filter(({ weight }) => (weight ?? 0) > 0);
  return {
    clusterSpecifier: {
      $case: 'weightedClusters',
      value: { clusters: weighted.map((route) => weightedCluster(route, context)), runtimeKeyPrefix: '' },
    },
    hashPolicy: weighted.flatMap(({ destination }) => hashPolicies(hashOf(destination ?? {}, context))),
    choice: 'free',
    edits: NO_EDITS,
  };
};

const weightedCluster = ({ destination, weight, headers }: NonNullable<HttpRule['route']>[number], context: RuleContext) => {
  const edits = headerEdits(headers?.request, headers?.response);
  return {
    name: clusterOf(destination ?? {}, context),
    clusterHeader: '',
    weight: weight || 1,
    ...edits.fields,
    typedPerFilterConfig: {},
    ...edits.hostRewrite,
  };
};

/** Edits of a rule, and then those of its single destination. */
export const joinedEdits = (first: RuleTargets['edits']['fields'], second: RuleTargets['edits']['fields']): EditFields => ({
  requestHeadersToAdd: [...first.requestHeadersToAdd, ...second.requestHeadersToAdd],
  requestHeadersToRemove: [...first.requestHeadersToRemove, ...second.requestHeadersToRemove],
  responseHeadersToAdd: [...first.responseHeadersToAdd, ...second.responseHeadersToAdd],
  responseHeadersToRemove: [...first.responseHeadersToRemove, ...second.responseHeadersToRemove],
});

type EditFields = Pick<Route, 'requestHeadersToAdd' | 'requestHeadersToRemove' | 'responseHeadersToAdd' | 'responseHeadersToRemove'>;
