/** Switched-on bugs of what becomes of AuthorizationPolicies, from the control plane to the verdict. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts of programs, which are no templates here
import type { Mutant } from './mutant.ts';

const FILTERS = 'controlplane/translate/security/authorization-filters.ts';
const RULES = 'controlplane/translate/security/rbac.ts';
const WORKLOADS = 'controlplane/mesh/effective-policy.ts';
const CALLERS = 'controlplane/translate/security/principals.ts';
const OPERATIONS = 'controlplane/translate/security/permissions.ts';
const WILDCARDS = 'controlplane/translate/security/wildcards.ts';

/** In the order of their names. */
export const AUTHORIZATION_MUTANTS: readonly Mutant[] = [
  {
    id: 'MUT-ACCOUNT-DOT-UNESCAPED',
    wrong: 'a dot in the name of a service account stands for any character',
    file: CALLERS,
    find: 'sa/${quoted(account)}(',
    replace: 'sa/${account}(',
  },
  {
    id: 'MUT-AUDIT-BLOCKS',
    wrong: 'what an AUDIT policy matches is refused',
    file: FILTERS,
    find: "['AUDIT', RBAC_Action.LOG]",
    replace: "['AUDIT', RBAC_Action.DENY]",
  },
  {
    id: 'MUT-AUTHZ-AND-AS-OR',
    wrong: 'from or to is enough, both need not hold',
    file: 'proxy/filters/rbac/judge.ts',
    find: 'return all([permitted, meant]);',
    replace: 'return any([permitted, meant]);',
  },
  {
    id: 'MUT-AUTHZ-BEFORE-IDENTITY',
    wrong: 'policies look at the connection as it was before its handshake: nobody is anybody',
    file: 'proxy/listener/listener.ts',
    find: '...(tls && { tls }),\n        ...(peerIdentity !== undefined && { peerIdentity }),',
    replace: '',
  },
  {
    id: 'MUT-AUTHZ-CONDITION-IGNORED',
    wrong: 'conditions about the caller are not asked',
    file: 'controlplane/translate/security/rule.ts',
    find: '[...clauses, ...conditions.caller]',
    replace: '[...clauses]',
  },
  {
    id: 'MUT-AUTHZ-METHOD-CASE',
    wrong: 'methods are compared without their case',
    file: OPERATIONS,
    find: "headerMatcher(':method', value)",
    replace: "headerMatcher(':method', value, 'any case')",
  },
  {
    id: 'MUT-AUTHZ-METHOD-IGNORED',
    wrong: 'methods are not compared',
    file: OPERATIONS,
    find: "({ $case: 'header', value: headerMatcher(':method', value) })",
    replace: "({ $case: 'any', value: true })",
  },
  {
    id: 'MUT-AUTHZ-NOT-IGNORED',
    wrong: 'what a policy excludes is not excluded',
    file: 'controlplane/translate/security/attribute.ts',
    find: '[notValues, logic.not],',
    replace: '',
  },
  {
    id: 'MUT-AUTHZ-PORT-IGNORED',
    wrong: 'every port is the port that was meant',
    file: 'proxy/filters/rbac/permissions.ts',
    find: 'return (_request, { downstream }) => downstream.local.port === rule.value;',
    replace: 'return always;',
  },
  {
    id: 'MUT-AUTHZ-QUERY-IN-PATH',
    wrong: 'the query counts as part of the path',
    file: 'proxy/filters/rbac/attributes.ts',
    find: 'return (request) => test(bare(request.path));',
    replace: 'return (request) => test(request.path);',
  },
  {
    id: 'MUT-AUTHZ-ROOT-IGNORED',
    wrong: 'policies of the root namespace hold in the root namespace alone',
    file: WORKLOADS,
    find: ' && metadata.namespace !== rootNamespace) return false;',
    replace: ') return false;',
  },
  {
    id: 'MUT-AUTHZ-SELECTOR-IGNORED',
    wrong: 'a policy with a selector holds for the whole namespace',
    file: WORKLOADS,
    find: 'return Object.keys(wanted).length === 0 || selects(wanted, labels);',
    replace: 'return true;',
  },
  {
    id: 'MUT-DENY-AFTER-ALLOW',
    wrong: 'where an ALLOW policy speaks, DENY is not asked any more',
    file: FILTERS,
    find: 'return policies.length === 0 ? []',
    replace: "return policies.length === 0 || (word === 'DENY' && policiesOf(input, 'ALLOW').length > 0) ? []",
  },
  {
    id: 'MUT-DENY-AS-ALLOW',
    wrong: 'DENY policies say who may',
    file: FILTERS,
    find: "['DENY', RBAC_Action.DENY]",
    replace: "['DENY', RBAC_Action.ALLOW]",
  },
  {
    id: 'MUT-DRY-RUN-ENFORCED',
    wrong: 'a policy that is only tried is enforced',
    file: FILTERS,
    find: 'const enforced = policies.filter((policy) => !isDryRun(policy));',
    replace: 'const enforced = policies;',
  },
  {
    id: 'MUT-EMPTY-RULE-MATCHES-NOTHING',
    wrong: 'a rule without a field matches nothing',
    file: RULES,
    find: 'const rules = policy.spec.rules ?? [];',
    replace: 'const rules = (policy.spec.rules ?? []).filter((rule) => Object.keys(rule).length > 0);',
  },
  {
    id: 'MUT-EMPTY-RULES-ALLOW',
    wrong: 'an ALLOW policy without rules allows everything',
    file: RULES,
    find: 'const rules = policy.spec.rules ?? [];',
    replace: 'const rules = policy.spec.rules ?? [{}];',
  },
  {
    id: 'MUT-HEADER-VALUES-JOINED',
    wrong: 'the values of a repeated field are joined before they are compared',
    file: 'proxy/http/header-match.ts',
    find: 'let seen = false;\n',
    replace:
      "let seen = false; const values = flat.filter((_text, i) => i % 2 === 1 && flat[i - 1] === name); if (values.length > 0) return present(values.join(',')) !== invert;\n",
  },
  {
    id: 'MUT-HOST-CASE',
    wrong: 'hosts are compared with their case',
    file: OPERATIONS,
    find: "headerMatcher(':authority', value, 'any case')",
    replace: "headerMatcher(':authority', value)",
  },
  {
    id: 'MUT-IP-BLOCK-IGNORED',
    wrong: 'every address of a family is in every block of it',
    file: 'proxy/filters/rbac/attributes.ts',
    find: "return actual === family && list.check(address, family === 4 ? 'ipv4' : 'ipv6');",
    replace: 'return actual === family;',
  },
  {
    id: 'MUT-NAMESPACE-BY-SUBSTRING',
    wrong: 'a part of a namespace’s name is enough',
    file: CALLERS,
    find: "`.*/ns/${value.split('*').map(quoted).join('.*')}/.*`",
    replace: "`.*/ns/.*${value.split('*').map(quoted).join('.*')}.*/.*`",
  },
  {
    id: 'MUT-NO-POLICY-DENIES',
    wrong: 'without an ALLOW policy nothing is allowed',
    file: FILTERS,
    find: 'return policies.length === 0 ? []',
    replace:
      "if (policies.length === 0 && word === 'ALLOW') return [{ filter: 'rbac', fields: { rules: rbacOf([], { action, transport, trustDomains: [] }) } }]; return policies.length === 0 ? []",
  },
  {
    id: 'MUT-PATH-NOT-NORMALIZED',
    wrong: 'paths are compared as they came',
    file: 'controlplane/translate/listeners/listener-parts.ts',
    find: 'BASE: { normalizePath: true',
    replace: 'BASE: { normalizePath: false',
  },
  {
    id: 'MUT-PATH-WILDCARD-WIDE',
    wrong: 'a star at the beginning makes the rest match anywhere',
    file: WILDCARDS,
    find: "return { $case: 'suffix', value: value.slice(1) };",
    replace: "return { $case: 'contains', value: value.slice(1) };",
  },
  {
    id: 'MUT-POLICY-NOT-ADOPTED',
    wrong: 'open connections are judged by the policies of their beginning',
    file: 'proxy/listener/listener.ts',
    find: 'listener = next;\n      if (served) served = adopted(served, chainFor(listener, opening, rooms));',
    replace: 'listener = next;',
  },
  {
    id: 'MUT-PRINCIPAL-BY-SUBSTRING',
    wrong: 'a part of a principal is enough',
    file: WILDCARDS,
    find: 'return textMatcher(`${SPIFFE}${value}`, false);',
    replace: "return { matchPattern: { $case: 'contains', value }, ignoreCase: false };",
  },
  {
    id: 'MUT-PRINCIPAL-CASE-IGNORED',
    wrong: 'principals are compared without their case',
    file: WILDCARDS,
    find: 'return textMatcher(`${SPIFFE}${value}`, false);',
    replace: 'return textMatcher(`${SPIFFE}${value}`, true);',
  },
  {
    id: 'MUT-PRINCIPAL-WILDCARD-WIDE',
    wrong: 'a star in a principal means everybody',
    file: WILDCARDS,
    find: "if (value === '*') return PRESENT;\n",
    replace: "if (value.includes('*')) return PRESENT;\n",
  },
  {
    id: 'MUT-SLASHES-NOT-DECODED',
    wrong: 'escaped slashes stay escaped',
    file: 'proxy/http/normalize-path.ts',
    find: "path = path.replace(/%2f/gi, '/').replace(/%5c/gi, '\\\\');",
    replace: '',
  },
  {
    id: 'MUT-SLASHES-NOT-MERGED',
    wrong: 'several slashes stay several',
    file: 'proxy/http/normalize-path.ts',
    find: "if (rules.mergeSlashes) path = path.replace(/\\/{2,}/g, '/');",
    replace: '',
  },
  {
    id: 'MUT-TEMPLATE-CROSSES-SLASH',
    wrong: '{*} stands for several segments',
    file: 'proxy/filters/rbac/uri-template.ts',
    find: 'const ONE_SEGMENT = `[${CHARACTERS}]+`;',
    replace: 'const ONE_SEGMENT = `[${CHARACTERS}/]+`;',
  },
];
