/** What an AuthorizationPolicy must obey beyond its shape. Messages follow istioctl validate. Source: istio pkg/config/validation validateAuthorizationPolicy. */
import { fail } from '../../checks.ts';
import type { Complaint } from '../../problem.ts';
import type { AuthorizationPolicySpec, AuthorizationRule } from '../../security/authorization-policy.ts';
import { checkCondition } from './authorization-conditions.ts';
import { checkAddressRanges, checkPaths, checkPorts, checkValues } from './authorization-values.ts';
import { checkSelection } from './selection.ts';

/** Paths in the complaints start at `spec`. */
export const validateAuthorizationPolicy = (spec: AuthorizationPolicySpec): readonly Complaint[] => {
  const { action = 'ALLOW', provider, rules = [] } = spec;
  const complaints = [...checkSelection(spec), ...rules.flatMap((rule, index) => checkRule(rule, index, action))];
  if (action === 'CUSTOM' && rules.length === 0)
    complaints.push(fail('spec', 'CUSTOM action without `rules` is meaningless as it will never be triggered'));
  if (action === 'CUSTOM' && !provider?.name) complaints.push(fail('spec', '`provider.name` must not be empty'));
  if (action === 'DENY' && rules.length === 0)
    complaints.push(
      fail('spec', 'DENY action without `rules` is meaningless as it will never be triggered, use `rules: [{}]` to match all'),
    );
  if (action !== 'CUSTOM' && provider)
    complaints.push(fail('spec.provider', `\`provider\` must not be with non CUSTOM action, found ${action}`));
  return complaints;
};

type Action = NonNullable<AuthorizationPolicySpec['action']>;
type Source = NonNullable<NonNullable<AuthorizationRule['from']>[number]['source']>;
type Operation = NonNullable<NonNullable<AuthorizationRule['to']>[number]['operation']>;

const checkRule = ({ from, to, when }: AuthorizationRule, index: number, action: Action): Complaint[] => {
  const path = `spec.rules[${index}]`;
  return [
    ...(from ?? []).flatMap(({ source }, at) => checkSource(source, { path: `${path}.from[${at}].source`, rule: index, action })),
    ...(to ?? []).flatMap(({ operation }, at) => checkOperation(operation, { path: `${path}.to[${at}].operation`, rule: index })),
    ...(when ?? []).flatMap((condition, at) => checkCondition(condition, { path: `${path}.when[${at}]`, isCustom: action === 'CUSTOM' })),
  ];
};

/** Who asks others cannot ask them about what they do not see. */
const IDENTITY_FIELDS = [
  'principals',
  'notPrincipals',
  'namespaces',
  'notNamespaces',
  'serviceAccounts',
  'notServiceAccounts',
  'requestPrincipals',
  'notRequestPrincipals',
] as const;

const RANGES = ['ipBlocks', 'notIpBlocks', 'remoteIpBlocks', 'notRemoteIpBlocks'] as const;

const isEmpty = (fields: object): boolean =>
  Object.values(fields).every((value: readonly string[] | undefined) => value === undefined || value.length === 0);

const checkSource = (source: Source | undefined, { path, rule, action }: { path: string; rule: number; action: Action }): Complaint[] => {
  if (source === undefined) return [fail(path.slice(0, -'.source'.length), `\`from.source\` must not be nil, found at rule ${rule}`)];
  if (isEmpty(source)) return [fail(path, `\`from.source\` must not be empty, found at rule ${rule}`)];
  const complaints = Object.entries(source).flatMap(([field, values]) => checkValues(values, `${path}.${field}`, field));
  complaints.push(...RANGES.flatMap((field) => checkAddressRanges(source[field], `${path}.${field}`)));
  complaints.push(
    ...(['serviceAccounts', 'notServiceAccounts'] as const).flatMap((field) => checkAccounts(source[field], `${path}.${field}`)),
  );
  const others = ['principals', 'notPrincipals', 'namespaces', 'notNamespaces'] as const;
  if ((source.serviceAccounts ?? source.notServiceAccounts) && others.some((field) => source[field]?.length))
    complaints.push(fail(path, `cannot set serviceAccounts with namespaces or principals, found at rule ${rule}`));
  if (action !== 'CUSTOM') return complaints;
  const used = IDENTITY_FIELDS.filter((field) => source[field]?.length && !field.includes('equestPrincipals'));
  return [...complaints, ...used.map((field) => fail(`${path}.${field}`, `${field} is not supported by CUSTOM action`))];
};

const checkAccounts = (accounts: readonly string[] | undefined, path: string): Complaint[] =>
  (accounts ?? []).flatMap((account, index) => {
    const at = `${path}[${index}]`;
    const field = path.endsWith('notServiceAccounts') ? 'NotServiceAccounts' : 'ServiceAccounts';
    if (account.includes('*')) return [fail(at, `"*" is not allowed, found in ${field}`)];
    const parts = account.split('/');
    return parts.length > 2 || (parts.length === 2 && parts.includes(''))
      ? [fail(at, `expected format 'serviceAccount' or 'namespace/serviceAccount', found "${account.slice(0, 100)}" in ${field}`)]
      : [];
  });

const checkOperation = (operation: Operation | undefined, { path, rule }: { path: string; rule: number }): Complaint[] => {
  if (operation === undefined)
    return [fail(path.slice(0, -'.operation'.length), `\`to.operation\` must not be nil, found at rule ${rule}`)];
  if (isEmpty(operation)) return [fail(path, `\`to.operation\` must not be empty, found at rule ${rule}`)];
  return [
    ...Object.entries(operation).flatMap(([field, values]) => checkValues(values, `${path}.${field}`, field)),
    ...(['ports', 'notPorts'] as const).flatMap((field) => checkPorts(operation[field], `${path}.${field}`)),
    ...(['paths', 'notPaths'] as const).flatMap((field) => checkPaths(operation[field], `${path}.${field}`, field)),
  ];
};
