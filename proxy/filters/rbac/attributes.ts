/** What both permissions and principals can ask: headers, path, metadata, addresses. */
import { ConfigError, inField } from '#api/config-error.ts';
import type { CidrRange, HeaderMatcher, MetadataMatcher, Permission } from '#envoy';
import { addressRanges, ipFamily } from '#system/ip.ts';
import { compileHeaderMatcher } from '../../http/header-match.ts';
import { compileMetadataMatcher } from '../../http/match/metadata-match.ts';
import { compileBytes } from '../../http/string-match.ts';
import { needRequests, type Rule, type RuleScope } from './rule.ts';

/** An IPv4 address that came through an IPv6 socket is the IPv4 address. */
const plainAddress = (address: string): string => (address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address);

/** Throws ConfigError with a path relative to the range. */
export const compileRange = (range: CidrRange): ((address: string) => boolean) => {
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

/** A path without its query and fragment. */
export const bare = (path: string): string => {
  const end = path.search(/[?#]/);
  return end < 0 ? path : path.slice(0, end);
};

type UrlPath = Extract<NonNullable<Permission['rule']>, { $case: 'urlPath' }>['value'];

/** Throws ConfigError. */
export const compileUrlPath = (matcher: UrlPath, scope: RuleScope): Rule =>
  inField('url_path', () => {
    needRequests(scope, '');
    const rule = matcher.rule;
    if (rule?.$case !== 'path') throw new ConfigError('path', 'is required');
    const test = inField('path', () => compileBytes(rule.value));
    return (request) => test(bare(request.path));
  });

/** Throws ConfigError; pseudo fields are facts of every request, and need not be noted. */
export const compileHeader = (matcher: HeaderMatcher, scope: RuleScope): Rule =>
  inField('header', () => {
    needRequests(scope, '');
    const test = compileHeaderMatcher(matcher);
    const name = matcher.name.toLowerCase();
    if (!name.startsWith(':') && name !== 'host') scope.headers.add(name);
    return test;
  });

const TOKEN = 'envoy.filters.http.jwt_authn';

/** Throws ConfigError. */
export const compileMetadata = (matcher: MetadataMatcher, scope: RuleScope): Rule =>
  inField('metadata', () => {
    const test = compileMetadataMatcher(matcher);
    const [payload, ...claim] = matcher.path.map(({ segment }) => segment?.value ?? '');
    if (matcher.filter === TOKEN && payload !== undefined && claim.length > 0) scope.claims.set(claim.join(']['), [payload, ...claim]);
    return (_request, { metadata }) => test(metadata);
  });
