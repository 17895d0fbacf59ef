/** The policies that apply to one workload → the filters that they become. Pure. */
import type { Filter, HttpFilter } from '#envoy';
import { policiesFor, tokenPoliciesFor } from '../../mesh/effective-policy.ts';
import { keySourceOf } from '../../mesh/key-source.ts';
import { type Mesh, type ProxyNode, trustDomainsOf } from '../../mesh/mesh.ts';
import type { JwtRule } from '../../resources/security/request-authentication.ts';
import { type AuthorizationInput, httpAuthorization, tcpAuthorization } from './authorization-filters.ts';
import { requestAuthentication } from './request-authentication.ts';

/** What stands in front of a workload's chains. */
export interface WorkloadSecurity {
  readonly http: readonly HttpFilter[];
  readonly tcp: readonly Filter[];
}

/** Who else decides, then whose token it is, then the mesh's own policies: Istio's order. */
export const securityOf = (mesh: Mesh, proxy: ProxyNode): WorkloadSecurity => {
  const { config } = mesh;
  const input: AuthorizationInput = {
    policies: policiesFor(mesh, proxy),
    trustDomains: trustDomainsOf(config),
    providers: config.extensionProviders,
    services: mesh.services,
  };
  const rules = tokenPoliciesFor(mesh, proxy).flatMap(({ spec }) => spec.jwtRules ?? []);
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
