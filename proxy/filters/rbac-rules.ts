/** RBAC policies → predicates over a request and who sent it. Source: config.rbac.v3. What is not understood is refused, never guessed. */

import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { CidrRange, Permission, Policy, Principal, RBAC } from '#envoy';
import { addressRanges, ipFamily } from '#system/ip.ts';
import { compileHeaderMatcher } from '../http/header-match.ts';
import type { HttpRequest } from '../http/message.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { compileString } from '../http/string-match.ts';

/** Whether a rule is about this request. */
export type Rule = (request: HttpRequest, stream: StreamInfo) => boolean;

/** Name of the first policy that matches, in name order; undefined when none does. */
export type MatchPolicies = (request: HttpRequest, stream: StreamInfo) => string | undefined;

const all =
  (rules: readonly Rule[]): Rule =>
  (request, stream) =>
    rules.every((rule) => rule(request, stream));
const any =
  (rules: readonly Rule[]): Rule =>
  (request, stream) =>
    rules.some((rule) => rule(request, stream));
const not =
  (rule: Rule): Rule =>
  (request, stream) =>
    !rule(request, stream);

const each = <T>(field: string, items: readonly T[], compile: (item: T) => Rule): Rule[] => {
  if (items.length === 0) throw new ConfigError(field, 'must not be empty');
  return items.map((item, index) => inField(`${field}[${index}]`, () => compile(item)));
};

/** An IPv4 address that came through an IPv6 socket is the IPv4 address. */
const plainAddress = (address: string): string => (address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address);

const compileCidr = (range: CidrRange): ((address: string) => boolean) => {
  const family = ipFamily(range.addressPrefix);
  if (family === 0) throw new ConfigError('address_prefix', `${JSON.stringify(range.addressPrefix)} is not an IP address`);
  const bits = range.prefixLen ?? 0;
  if (bits > (family === 4 ? 32 : 128)) throw new ConfigError('prefix_len', 'is longer than the address');
  const list = addressRanges();
  list.addSubnet(range.addressPrefix, bits, family === 4 ? 'ipv4' : 'ipv6');
  return (text) => {
    const address = plainAddress(text);
    const actual = ipFamily(address);
    return actual === family && list.check(address, family === 4 ? 'ipv4' : 'ipv6');
  };
};

const bare = (path: string): string => {
  const end = path.search(/[?#]/);
  return end < 0 ? path : path.slice(0, end);
};

type UrlPath = Extract<NonNullable<Permission['rule']>, { $case: 'urlPath' }>['value'];

const compileUrlPath = (matcher: UrlPath): Rule => {
  const rule = matcher.rule;
  if (rule?.$case !== 'path') throw new ConfigError('path', 'is required');
  const test = inField('path', () => compileString(rule.value));
  return (request) => test(bare(request.path));
};

const refused = (name: string): never => {
  throw new ConfigError(
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    'not supported by this proxy',
  );
};

const compilePermission = (permission: Permission): Rule => {
  const rule = permission.rule;
  if (!rule) throw new ConfigError('rule', 'is required');
  switch (rule.$case) {
    case 'andRules':
      return inField('and_rules', () => all(each('rules', rule.value.rules, compilePermission)));
    case 'orRules':
      return inField('or_rules', () => any(each('rules', rule.value.rules, compilePermission)));
    case 'notRule':
      return not(inField('not_rule', () => compilePermission(rule.value)));
    case 'any':
      return rule.value ? () => true : refused('any');
    case 'header':
      return inField('header', () => compileHeaderMatcher(rule.value));
    case 'urlPath':
      return inField('url_path', () => compileUrlPath(rule.value));
    case 'destinationIp': {
      const within = inField('destination_ip', () => compileCidr(rule.value));
      return (_request, { downstream }) => within(downstream.local.address);
    }
    case 'destinationPort':
      return (_request, { downstream }) => downstream.local.port === rule.value;
    case 'destinationPortRange': {
      const { start, end } = rule.value;
      return (_request, { downstream }) => downstream.local.port >= start && downstream.local.port < end;
    }
    case 'requestedServerName': {
      const test = inField('requested_server_name', () => compileString(rule.value));
      return (_request, { downstream }) => test(downstream.serverName ?? '');
    }
    default:
      return refused(rule.$case);
  }
};

const compileAddress = (field: string, range: CidrRange): Rule => {
  const within = inField(field, () => compileCidr(range));
  // remote_ip is who the client is, x-forwarded-for included; the others are who is at the other end of the connection.
  if (field === 'remote_ip') return (_request, { downstream }) => within(downstream.remote.address);
  return (_request, { downstream }) => within((downstream.direct ?? downstream.remote).address);
};

const compileAuthenticated = (authenticated: Extract<NonNullable<Principal['identifier']>, { $case: 'authenticated' }>['value']): Rule => {
  const name = authenticated.principalName;
  if (!name) return (_request, { downstream }) => downstream.peerIdentity !== undefined;
  const test = inField('principal_name', () => compileString(name));
  return (_request, { downstream }) => downstream.peerIdentity !== undefined && test(downstream.peerIdentity);
};

const compilePrincipal = (principal: Principal): Rule => {
  const identifier = principal.identifier;
  if (!identifier) throw new ConfigError('identifier', 'is required');
  switch (identifier.$case) {
    case 'andIds':
      return inField('and_ids', () => all(each('ids', identifier.value.ids, compilePrincipal)));
    case 'orIds':
      return inField('or_ids', () => any(each('ids', identifier.value.ids, compilePrincipal)));
    case 'notId':
      return not(inField('not_id', () => compilePrincipal(identifier.value)));
    case 'any':
      return identifier.value ? () => true : refused('any');
    case 'authenticated':
      return inField('authenticated', () => compileAuthenticated(identifier.value));
    case 'sourceIp':
      return compileAddress('source_ip', identifier.value);
    case 'directRemoteIp':
      return compileAddress('direct_remote_ip', identifier.value);
    case 'remoteIp':
      return compileAddress('remote_ip', identifier.value);
    case 'header':
      return inField('header', () => compileHeaderMatcher(identifier.value));
    case 'urlPath':
      return inField('url_path', () => compileUrlPath(identifier.value));
    default:
      return refused(identifier.$case);
  }
};

const compilePolicy = (policy: Policy): Rule => {
  refuseUnsupported(policy, { read: ['permissions', 'principals'] });
  const permitted = any(each('permissions', policy.permissions, compilePermission));
  const meant = any(each('principals', policy.principals, compilePrincipal));
  return (request, stream) => permitted(request, stream) && meant(request, stream);
};

/** Throws ConfigError with a path relative to the rules. */
export const compileRules = (rules: RBAC): MatchPolicies => {
  refuseUnsupported(rules, { read: ['action', 'policies'] });
  const policies = Object.keys(rules.policies)
    .sort()
    .map((name) => ({ name, rule: inField(`policies[${name}]`, () => compilePolicy(rules.policies[name] as Policy)) }));
  return (request, stream) => {
    for (const { name, rule } of policies) if (rule(request, stream)) return name;
    return undefined;
  };
};
