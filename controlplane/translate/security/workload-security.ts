/** Which policies apply to one workload, and the filters that they become. Pure. */
import type { Filter, HttpFilter } from '#envoy';
import { keySourceOf } from '../../mesh/key-source.ts';
import { selects } from '../../mesh/labels.ts';
import type { Mesh, ProxyNode } from '../../mesh/mesh.ts';
import type { ResourceOf } from '../../resources/resource.ts';
import type { JwtRule } from '../../resources/security/request-authentication.ts';
import { type AuthorizationInput, httpAuthorization, tcpAuthorization } from './authorization-filters.ts';
import { requestAuthentication } from './request-authentication.ts';

/** What stands in front of a workload's chains. */
export interface WorkloadSecurity {
  readonly http: readonly HttpFilter[];
  readonly tcp: readonly Filter[];
}

/** The AuthorizationPolicies in force for a workload. */
export const policiesFor = ({ authorizationPolicies, config }: Mesh, proxy: ProxyNode): ResourceOf<'AuthorizationPolicy'>[] =>
  authorizationPolicies.map(({ resource }) => resource).filter(appliesTo(proxy, config.rootNamespace));

/** Who else decides, then whose token it is, then the mesh's own policies: Istio's order. */
export const securityOf = (mesh: Mesh, proxy: ProxyNode): WorkloadSecurity => {
  const { config } = mesh;
  const applies = appliesTo(proxy, config.rootNamespace);
  const input: AuthorizationInput = {
    policies: policiesFor(mesh, proxy),
    trustDomains: [config.trustDomain, ...config.trustDomainAliases],
    providers: config.extensionProviders,
    services: mesh.services,
  };
  const rules = mesh.requestAuthentications.flatMap(({ resource }) => (applies(resource) ? (resource.spec.jwtRules ?? []) : []));
  const [requests, connections] = [httpAuthorization(input), tcpAuthorization(input)];
  const tokens = requestAuthentication({ rules, keysOf: fetchedKeys(mesh), routesByClaims: proxy.type === 'router' });
  return { http: [...requests.custom, ...tokens, ...requests.own], tcp: [...connections.custom, ...connections.own] };
};

const fetchedKeys = ({ keySets }: Mesh): ((rule: JwtRule) => string | undefined) => {
  return (rule) => {
    const source = keySourceOf(rule);
    return source && Object.hasOwn(keySets, source.id) ? keySets[source.id] : undefined;
  };
};

/** The part of a policy that says whom it is about. */
interface Targeted {
  readonly metadata: { readonly namespace: string };
  readonly spec: {
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly targetRef?: TargetRef;
    readonly targetRefs?: readonly TargetRef[];
  };
}

interface TargetRef {
  readonly group?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
}

/** The label by which a proxy is one of a Gateway of the Gateway API. */
const GATEWAY_NAME = 'gateway.networking.k8s.io/gateway-name';

/** Own namespace and root namespace; by labels, or by the name of the Gateway that the proxy is one of. Source: istio pilot/pkg/model/policyattachment.go. */
const appliesTo = ({ namespace, labels }: ProxyNode, rootNamespace: string): ((policy: Targeted) => boolean) => {
  const gateway = labels[GATEWAY_NAME];
  return ({ metadata, spec }) => {
    if (metadata.namespace !== namespace && metadata.namespace !== rootNamespace) return false;
    const targets = spec.targetRefs?.length ? spec.targetRefs : spec.targetRef ? [spec.targetRef] : [];
    if (targets.length === 0) {
      const wanted = spec.selector?.matchLabels ?? {};
      return Object.keys(wanted).length === 0 || selects(wanted, labels);
    }
    return metadata.namespace === namespace && gateway !== undefined && targets.some((target) => isGateway(target, gateway, namespace));
  };
};

const isGateway = (target: TargetRef, name: string, namespace: string): boolean =>
  target.group === 'gateway.networking.k8s.io' &&
  target.kind === 'Gateway' &&
  target.name === name &&
  (!target.namespace || target.namespace === namespace);
