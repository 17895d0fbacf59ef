/** AuthorizationPolicies of one workload → its filters, in the order they are asked. Pure. Source: istio pilot/pkg/security/authz/builder. */
import { type Any, type Filter, type HttpFilter, type RBAC, RBAC_Action } from '#envoy';
import type { ExtensionProvider, MeshService } from '../../mesh/mesh.ts';
import { pack } from '../pack.ts';
import { externalAuthorizer } from './external-authorizers.ts';
import { type AuthorizationPolicy, isDryRun, rbacOf } from './rbac.ts';

/** What one workload's filters are made of. policies: those that apply to it. */
export interface AuthorizationInput {
  readonly policies: readonly AuthorizationPolicy[];
  readonly trustDomains: readonly string[];
  readonly providers: readonly ExtensionProvider[];
  readonly services: readonly MeshService[];
}

/** A filter of either kind: what differs is only the message it is packed into. */
interface FilterDraft {
  readonly filter: 'rbac' | 'ext_authz';
  readonly fields: object;
}

/** Who else decides is asked first, and on the way to it whether it is to be asked at all; then the mesh's own policies. */
export interface AuthorizationFilters<Kind> {
  readonly custom: readonly Kind[];
  readonly own: readonly Kind[];
}

/** For requests. */
export const httpAuthorization = (input: AuthorizationInput): AuthorizationFilters<HttpFilter> =>
  filtersOf(input, 'http', ({ filter, fields }) => ({
    name: `envoy.filters.http.${filter}`,
    configType: { $case: 'typedConfig', value: pack(HTTP_MESSAGES[filter], fields) as Any },
    isOptional: false,
    disabled: false,
  }));

/** For connections whose bytes nobody reads. */
export const tcpAuthorization = (input: AuthorizationInput): AuthorizationFilters<Filter> =>
  filtersOf(input, 'tcp', ({ fields }) => ({
    name: 'envoy.filters.network.rbac',
    configType: {
      $case: 'typedConfig',
      value: pack('envoy.extensions.filters.network.rbac.v3.RBAC', { ...fields, statPrefix: 'tcp.' }) as Any,
    },
  }));

const HTTP_MESSAGES = {
  rbac: 'envoy.extensions.filters.http.rbac.v3.RBAC',
  ext_authz: 'envoy.extensions.filters.http.ext_authz.v3.ExtAuthz',
} as const;

const filtersOf = <Kind>(
  input: AuthorizationInput,
  transport: 'http' | 'tcp',
  finish: (draft: FilterDraft) => Kind,
): AuthorizationFilters<Kind> => {
  const own = OWN_ACTIONS.flatMap(([word, action]) => {
    const policies = policiesOf(input, word);
    return policies.length === 0 ? [] : [ownFilter(input, transport, action, policies)];
  });
  return { custom: customFilters(input, transport).map(finish), own: own.map(finish) };
};

const OWN_ACTIONS = [
  ['AUDIT', RBAC_Action.LOG],
  ['DENY', RBAC_Action.DENY],
  ['ALLOW', RBAC_Action.ALLOW],
] as const;

const policiesOf = ({ policies }: AuthorizationInput, action: string): AuthorizationPolicy[] =>
  policies.filter(({ spec }) => (spec.action ?? 'ALLOW') === action);

const ownFilter = (
  { trustDomains }: AuthorizationInput,
  transport: 'http' | 'tcp',
  action: RBAC_Action,
  policies: readonly AuthorizationPolicy[],
): FilterDraft => {
  const tried = policies.filter(isDryRun);
  const enforced = policies.filter((policy) => !isDryRun(policy));
  const rules = (some: readonly AuthorizationPolicy[]): RBAC => rbacOf(some, { action, transport, trustDomains });
  const fields = {
    ...(enforced.length > 0 && { rules: rules(enforced) }),
    ...(tried.length > 0 && { shadowRules: rules(tried) }),
    shadowRulesStatPrefix: shadowPrefix(tried.length > 0 ? action : RBAC_Action.ALLOW),
  };
  return { filter: 'rbac', fields };
};

/** Istio names the prefix also where nothing is tried. */
const shadowPrefix = (action: RBAC_Action): string =>
  action === RBAC_Action.DENY ? 'istio_dry_run_deny_' : action === RBAC_Action.ALLOW ? 'istio_dry_run_allow_' : '';

/** In front of the names of rules that say which calls somebody else decides. */
const ASKED = 'istio-ext-authz-';

/** Rules that nobody can decide, so that what they match is refused. */
const REFUSED = '-deny-due-to-bad-CUSTOM-action';

/** One authorizer a workload, as in Istio: two of them, and what either should decide is refused. A policy that is only tried asks nobody. */
const customFilters = (input: AuthorizationInput, transport: 'http' | 'tcp'): FilterDraft[] => {
  const policies = policiesOf(input, 'CUSTOM').filter((policy) => !isDryRun(policy));
  const names = [...new Set(policies.map(({ spec }) => spec.provider?.name ?? ''))].sort();
  return names.flatMap((name) => {
    const rules = rbacOf(
      policies.filter(({ spec }) => (spec.provider?.name ?? '') === name),
      { action: RBAC_Action.DENY, transport, trustDomains: input.trustDomains, prefix: name === '' ? ASKED : `${ASKED}${name}-` },
    );
    const authorizer = names.length > 1 ? undefined : externalAuthorizer(name, input.providers, input.services);
    if (authorizer === undefined) return [refusalOf(rules)];
    if (transport === 'http') return [markOf(rules), askOf(name, authorizer.fields)];
    // An HTTP authorizer is not asked about connections; a gRPC one cannot be yet, so its connections are refused.
    return authorizer.kind === 'http' ? [] : [refusalOf(rules)];
  });
};

const refusalOf = ({ action, policies }: RBAC): FilterDraft => ({
  filter: 'rbac',
  fields: { rules: { action, policies: Object.fromEntries(Object.entries(policies).map(([name, rule]) => [name + REFUSED, rule])) } },
});

/** Refuses nothing: notes in the stream's metadata which rule matched. */
const markOf = (shadowRules: RBAC): FilterDraft => ({ filter: 'rbac', fields: { shadowRules, shadowRulesStatPrefix: 'istio_ext_authz_' } });

const askOf = (provider: string, fields: object): FilterDraft => ({
  filter: 'ext_authz',
  fields: {
    ...fields,
    filterEnabledMetadata: {
      filter: 'envoy.filters.http.rbac',
      path: [{ segment: { $case: 'key', value: 'istio_ext_authz_shadow_effective_policy_id' } }],
      value: { matchPattern: { $case: 'stringMatch', value: { matchPattern: { $case: 'prefix', value: ASKED + provider } } } },
    },
  },
});
