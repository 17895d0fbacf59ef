/**
 * RouteAction.hash_policy → what of a request decides who serves it, where the cluster hashes. Several are joined: the hash so far is rotated
 * by one and combined with the next, so that the order counts. Source: config.route.v3.RouteAction.HashPolicy; Envoy, `HashPolicyImpl`.
 */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { RouteAction } from '#envoy';
import { type Hash64, joined, xxh64 } from '#system/xxh64.ts';
import { pseudoField } from '../http/header-match.ts';
import type { HttpRequest } from '../http/message.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { asBytes, compileReplace } from '../http/string-match.ts';
import { type CookiePolicy, compileCookie, cookieValue, madeValue, setCookie } from './hash-cookie.ts';

type HashOf = (request: HttpRequest, stream: StreamInfo) => Hash64 | undefined;

/** What a route's requests are hashed by. */
export interface HashPolicy {
  /** Undefined when the request has none of what is asked for. */
  readonly hash: HashOf;
  /** Values of `set-cookie` for a client that lacks a cookie; undefined when none is ever made. */
  readonly cookies: ((request: HttpRequest, stream: StreamInfo) => readonly string[]) | undefined;
}

interface Part {
  readonly hash: HashOf;
  readonly cookie: CookiePolicy | undefined;
  /** Where it found something, the parts behind it are not asked. */
  readonly isTerminal: boolean;
}

type HashPolicyMessage = RouteAction['hashPolicy'][number];
type Specifier<C extends string> = Extract<NonNullable<HashPolicyMessage['policySpecifier']>, { $case: C }>['value'];

const compareBytes = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Values in any order are the same values. */
const ofValues = (values: string[]): Hash64 | undefined =>
  values.sort(compareBytes).reduce<Hash64 | undefined>((seed, value) => xxh64(value, seed), undefined);

const compileHeader = ({ headerName, regexRewrite }: Specifier<'header'>): HashOf => {
  const name = headerName.toLowerCase();
  const rewrite = regexRewrite && inField('regex_rewrite', () => compileReplace(regexRewrite.pattern, regexRewrite.substitution));
  const read = pseudoField(name);
  if (read) return (request) => xxh64(rewrite ? rewrite(read(request)) : read(request));
  return ({ headers }) => {
    const first = headers.get(name);
    if (first === undefined) return undefined;
    const values = headers.getAll(name);
    return ofValues(rewrite ? values.map(rewrite) : values);
  };
};

/** As it stands in the query, still encoded; of several the first. */
const compileQuery = ({ name }: Specifier<'queryParameter'>): HashOf => {
  const wanted = asBytes(name);
  return ({ path }) => {
    const query = path.indexOf('?');
    if (query < 0) return undefined;
    for (const pair of path.slice(query + 1).split('&')) {
      const equals = pair.indexOf('=');
      if ((equals < 0 ? pair : pair.slice(0, equals)) === wanted) return xxh64(equals < 0 ? '' : pair.slice(equals + 1));
    }
    return undefined;
  };
};

const ofSource: HashOf = (_request, { downstream }) => xxh64(downstream.remote.address);

const ofCookie =
  (cookie: CookiePolicy): HashOf =>
  (request, stream) => {
    const value = cookieValue(request, cookie.name) || (cookie.ttlSeconds === undefined ? '' : madeValue(stream));
    return value === '' ? undefined : xxh64(value);
  };

const compilePart = (policy: HashPolicyMessage): Part | undefined => {
  refuseUnsupported(policy, { read: ['policySpecifier', 'terminal'] });
  const specifier = policy.policySpecifier;
  const part = (hash: HashOf, cookie?: CookiePolicy): Part => ({ hash, cookie, isTerminal: policy.terminal });
  switch (specifier?.$case) {
    case 'header':
      return part(inField('header', () => compileHeader(specifier.value)));
    case 'cookie': {
      const cookie = inField('cookie', () => compileCookie(specifier.value));
      return part(ofCookie(cookie), cookie);
    }
    case 'connectionProperties':
      return specifier.value.sourceIp ? part(ofSource) : undefined;
    case 'queryParameter':
      return part(compileQuery(specifier.value));
    case 'filterState':
      throw new ConfigError('filter_state', 'not supported by this proxy');
    case undefined:
      throw new ConfigError('policy_specifier', 'is required');
  }
};

const joinedHash =
  (parts: readonly Part[]): HashOf =>
  (request, stream) => {
    let hash: Hash64 | undefined;
    for (const part of parts) {
      const next = part.hash(request, stream);
      if (next) hash = joined(hash, next);
      if (part.isTerminal && hash) return hash;
    }
    return hash;
  };

/** Only of parts that were asked: those behind a terminal one that found something make no cookie. */
const madeCookies =
  (parts: readonly Part[]) =>
  (request: HttpRequest, stream: StreamInfo): readonly string[] => {
    const made: string[] = [];
    let isFound = false;
    for (const { hash, cookie, isTerminal } of parts) {
      if (cookie?.ttlSeconds !== undefined && !cookieValue(request, cookie.name)) made.push(setCookie(cookie, madeValue(stream)));
      isFound ||= hash(request, stream) !== undefined;
      if (isTerminal && isFound) break;
    }
    return made;
  };

/** Undefined when nothing is asked for. Throws ConfigError with a path relative to the action. */
export const compileHashPolicy = (policies: readonly HashPolicyMessage[]): HashPolicy | undefined => {
  const parts = policies.flatMap((policy, index) => inField(`hash_policy[${index}]`, () => compilePart(policy)) ?? []);
  const [only, ...others] = parts;
  if (!only) return undefined;
  const makes = parts.some(({ cookie }) => cookie?.ttlSeconds !== undefined);
  return { hash: others.length === 0 ? only.hash : joinedHash(parts), cookies: makes ? madeCookies(parts) : undefined };
};
