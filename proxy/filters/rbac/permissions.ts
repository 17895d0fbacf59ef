/** Permission → predicate: what is asked for, and where. Source: config.rbac.v3.Permission. What is not understood is refused, never guessed. */
import { ConfigError, inField } from '#api/config-error.ts';
import type { Permission } from '#envoy';
import { compileString } from '../../http/string-match.ts';
import { compileHeader, compileMetadata, compileRange, compileUrlPath } from './attributes.ts';
import { all, always, any, each, not, type Rule, type RuleScope, refused } from './rule.ts';
import { compileUriTemplate } from './uri-template.ts';

type Of<Case> = Extract<NonNullable<Permission['rule']>, { $case: Case }>['value'];

const compilePorts = ({ start, end }: Of<'destinationPortRange'>): Rule => {
  for (const [name, value] of Object.entries({ start, end }))
    if (value < 0 || value > 65_536) throw new ConfigError(name, 'must be 0…65536');
  if (start >= end) throw new ConfigError('start', 'must be less than end');
  return (_request, { downstream }) => downstream.local.port >= start && downstream.local.port < end;
};

const compileServerName = (matcher: Of<'requestedServerName'>): Rule => {
  const test = compileString(matcher);
  return (_request, { downstream }) => test(downstream.serverName ?? '');
};

const compileDestination = (range: Of<'destinationIp'>): Rule => {
  const within = compileRange(range);
  return (_request, { downstream }) => within(downstream.local.address);
};

/** Throws ConfigError with a path relative to the permission. */
export const compilePermission = (permission: Permission, scope: RuleScope): Rule => {
  const rule = permission.rule;
  if (!rule) throw new ConfigError('rule', 'is required');
  const one = (inner: Permission): Rule => compilePermission(inner, scope);
  switch (rule.$case) {
    case 'andRules':
      return inField('and_rules', () => all(each('rules', rule.value.rules, one)));
    case 'orRules':
      return inField('or_rules', () => any(each('rules', rule.value.rules, one)));
    case 'notRule':
      return not(inField('not_rule', () => one(rule.value)));
    case 'any':
      return rule.value ? always : refused('any', 'must be true');
    case 'header':
      return compileHeader(rule.value, scope);
    case 'urlPath':
      return compileUrlPath(rule.value, scope);
    case 'uriTemplate':
      return inField('uri_template', () => compileUriTemplate(rule.value, scope));
    case 'metadata':
      return compileMetadata(rule.value, scope);
    case 'destinationIp':
      return inField('destination_ip', () => compileDestination(rule.value));
    case 'destinationPort':
      if (rule.value > 65_535) throw new ConfigError('destination_port', 'must be at most 65535');
      return (_request, { downstream }) => downstream.local.port === rule.value;
    case 'destinationPortRange':
      return inField('destination_port_range', () => compilePorts(rule.value));
    case 'requestedServerName':
      return inField('requested_server_name', () => compileServerName(rule.value));
    default:
      return refused(rule.$case);
  }
};
