/** Switched-on bugs of decisions that somebody else makes, and of policies on ports whose bytes nobody reads. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts of programs, which are no templates here
import type { Mutant } from './mutant.ts';

const AUTHORIZER = 'proxy/filters/ext-authz.ts';

/** In the order of their names. */
export const EXTERNAL_MUTANTS: readonly Mutant[] = [
  {
    id: 'MUT-CUSTOM-AFTER-ALLOW',
    wrong: 'the external authorizer is asked last',
    file: 'controlplane/translate/security/workload-security.ts',
    find: 'http: [...requests.custom, ...tokens, ...requests.own]',
    replace: 'http: [...tokens, ...requests.own, ...requests.custom]',
  },
  {
    id: 'MUT-CUSTOM-RULES-IGNORED',
    wrong: 'the external authorizer is asked about every request',
    file: AUTHORIZER,
    find: 'system.random.chance(share) && (test === undefined || test(stream.metadata))',
    replace: 'system.random.chance(share)',
  },
  {
    id: 'MUT-EXTAUTHZ-FAILS-OPEN',
    wrong: 'no answer of the external authorizer is permission',
    file: AUTHORIZER,
    find: 'if (!config.failureModeAllow) throw failure;',
    replace: '',
  },
  {
    id: 'MUT-EXTAUTHZ-FIRST-VALUE',
    wrong: 'of a repeated field the external authorizer is shown the first value',
    file: 'proxy/filters/ext-authz/http-service.ts',
    find: 'lines.set(name, lines.has(name) ? `${lines.get(name)},${value}` : value);',
    replace: 'lines.set(name, lines.get(name) ?? value);',
  },
  {
    id: 'MUT-EXTAUTHZ-IGNORED',
    wrong: 'what the external authorizer refuses passes all the same',
    file: AUTHORIZER,
    find: 'throw denial(verdict);',
    replace: 'return next(request, stream);',
  },
  {
    id: 'MUT-PRINCIPAL-SUFFIX-IGNORED',
    wrong: 'a star at the beginning of a principal is a star',
    file: 'controlplane/translate/security/wildcards.ts',
    find: "if (value.startsWith('*')) return regexMatcher(`${SPIFFE}",
    replace: 'if (false) return regexMatcher(`${SPIFFE}',
  },
  {
    id: 'MUT-TCP-ALLOW-HTTP-FIELDS',
    wrong: 'an ALLOW for connections passes over what it asks of requests',
    file: 'controlplane/translate/security/attribute.ts',
    find: "if (!whole && setting.lacking === 'drops the rule') return undefined;",
    replace: '',
  },
  {
    id: 'MUT-TCP-DENY-HTTP-FIELDS',
    wrong: 'a DENY for connections is dropped when it also asks something of requests',
    file: 'controlplane/translate/security/rbac.ts',
    find: "lacking: action === RBAC_Action.ALLOW ? 'drops the rule' : 'is ignored'",
    replace: "lacking: 'drops the rule'",
  },
  {
    id: 'MUT-TCP-POLICY-IGNORED',
    wrong: 'policies do not hold on TCP ports',
    file: 'controlplane/translate/listeners/inbound-listeners.ts',
    find: '...tcp,\n  tcpProxy(',
    replace: 'tcpProxy(',
  },
  {
    id: 'MUT-UNKNOWN-PROVIDER-ALLOWS',
    wrong: 'what an unknown authorizer should decide is allowed',
    file: 'controlplane/translate/security/authorization-filters.ts',
    find: 'if (authorizer === undefined) return [refusalOf(rules)];',
    replace: 'if (authorizer === undefined) return [];',
  },
];
