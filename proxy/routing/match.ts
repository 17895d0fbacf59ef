/** RouteMatch → predicate: path, headers, query parameters, all of them. Source: config.route.v3.RouteMatch. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import { shareOf } from '#api/units.ts';
import type { QueryParameterMatcher, RouteMatch } from '#envoy';
import type { Random } from '#system/random.ts';
import { compileHeaderMatcher, type RequestTest } from '../http/header-match.ts';
import { isGrpc } from '../http/local-reply.ts';
import { compileMetadataMatcher, type MetadataTest } from '../http/match/metadata-match.ts';
import type { HttpRequest } from '../http/message.ts';
import { compileBytes, compileRegex, type TextTest } from '../http/string-match.ts';

/** path: the request's path without its query. metadata: what filters found out so far; nothing when a request is matched for the first time. */
export type RouteTest = (request: HttpRequest, path: string, metadata?: Parameters<MetadataTest>[0]) => boolean;

/** The part of a path that a prefix rewrite replaces: `prefix` for its length, else the whole path. */
export interface PathMatch {
  readonly kind: 'prefix' | 'whole';
  readonly length: number;
  readonly test: TextTest;
}

/** A path up to its query or fragment. */
export const pathOf = (path: string): string => {
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i);
    if (code === 63 || code === 35) return path.slice(0, i);
  }
  return path;
};

const caseless =
  (test: (path: string, wanted: string) => boolean, wanted: string, sensitive: boolean): TextTest =>
  (path) =>
    sensitive ? test(path, wanted) : test(path.toLowerCase(), wanted.toLowerCase());

const separated = (path: string, prefix: string): boolean =>
  path.startsWith(prefix) && (path.length === prefix.length || path.charCodeAt(prefix.length) === 47);

/** Throws ConfigError with a path relative to the match. */
export const compilePath = (match: RouteMatch): PathMatch => {
  const specifier = match.pathSpecifier;
  if (!specifier) throw new ConfigError('path_specifier', 'is required');
  const sensitive = match.caseSensitive ?? true;
  switch (specifier.$case) {
    case 'prefix': {
      const test = caseless((path, wanted) => path.startsWith(wanted), specifier.value, sensitive);
      return {
        kind: 'prefix',
        length: specifier.value.length,
        test: specifier.value === '/' || specifier.value === '' ? () => true : test,
      };
    }
    case 'path':
      return { kind: 'whole', length: 0, test: caseless((path, wanted) => path === wanted, specifier.value, sensitive) };
    case 'pathSeparatedPrefix':
      if (specifier.value.length < 2 || specifier.value.endsWith('/') || !specifier.value.startsWith('/'))
        throw new ConfigError('path_separated_prefix', 'must start with / and not end with it');
      return { kind: 'prefix', length: specifier.value.length, test: caseless(separated, specifier.value, sensitive) };
    case 'safeRegex':
      return { kind: 'whole', length: 0, test: inField('safe_regex', () => compileRegex(specifier.value)) };
    case 'connectMatcher':
      throw new ConfigError('connect_matcher', 'not supported by this proxy');
    case 'pathMatchPolicy':
      throw new ConfigError('path_match_policy', 'not supported by this proxy');
  }
};

/** First value of a query parameter exactly as it stands there, not decoded, as Envoy compares it; undefined when there is none. */
export const queryParameter = (path: string, name: string): string | undefined => {
  const start = path.indexOf('?');
  if (start < 0) return undefined;
  const end = path.indexOf('#', start);
  for (const pair of path.slice(start + 1, end < 0 ? undefined : end).split('&')) {
    const equals = pair.indexOf('=');
    if ((equals < 0 ? pair : pair.slice(0, equals)) === name) return equals < 0 ? '' : pair.slice(equals + 1);
  }
  return undefined;
};

const compileQuery = (matcher: QueryParameterMatcher): RequestTest => {
  refuseUnsupported(matcher, { read: ['name', 'queryParameterMatchSpecifier'] });
  const { name, queryParameterMatchSpecifier: specifier } = matcher;
  if (name === '') throw new ConfigError('name', 'must not be empty');
  if (specifier?.$case === 'stringMatch') {
    const test = inField('string_match', () => compileBytes(specifier.value));
    return (request) => {
      const value = queryParameter(request.path, name);
      return value !== undefined && test(value);
    };
  }
  const wanted = specifier?.value ?? true;
  return (request) => (queryParameter(request.path, name) !== undefined) === wanted;
};

/** pathMatch: the compiled path of the same match. Throws ConfigError with a path relative to the match. */
export const compileMatch = (match: RouteMatch, pathMatch: PathMatch, random: Random): RouteTest => {
  refuseUnsupported(match, {
    read: ['pathSpecifier', 'caseSensitive', 'headers', 'queryParameters', 'runtimeFraction', 'grpc', 'dynamicMetadata'],
  });
  const tests: RequestTest[] = [
    ...match.headers.map((header, index) => inField(`headers[${index}]`, () => compileHeaderMatcher(header))),
    ...match.queryParameters.map((query, index) => inField(`query_parameters[${index}]`, () => compileQuery(query))),
  ];
  if (match.grpc) tests.push(isGrpc);
  const fraction = match.runtimeFraction;
  if (fraction) {
    const share = shareOf(fraction.defaultValue, 0);
    tests.push(() => random.chance(share));
  }
  const found = match.dynamicMetadata.map((each, index) => inField(`dynamic_metadata[${index}]`, () => compileMetadataMatcher(each)));
  const onPath = pathMatch.test;
  if (tests.length + found.length === 0) return (_request, path) => onPath(path);
  return (request, path, metadata) => {
    if (!onPath(path)) return false;
    for (const test of tests) if (!test(request)) return false;
    for (const test of found) if (!test(metadata)) return false;
    return true;
  };
};
