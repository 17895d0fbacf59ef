/** One entry of a VirtualService's `match` → RouteMatch. Pure. */
import type { HeaderMatcher, MetadataMatcher, QueryParameterMatcher, RouteMatch, ValueMatcher } from '#envoy';
import type { HttpMatch, StringMatch } from '../../resources/virtual-service.ts';
import { toStringMatcher } from '../pack.ts';
import { claimHolds, claimIs, routingClaim, textValue } from '../security/claims.ts';

/** match absent: everything. */
export const toRouteMatch = (match: HttpMatch | undefined): RouteMatch => {
  const base = { headers: [], queryParameters: [], dynamicMetadata: [] };
  if (match === undefined) return { ...base, pathSpecifier: { $case: 'prefix', value: '/' } };
  return {
    ...base,
    pathSpecifier: pathOf(match.uri),
    caseSensitive: match.ignoreUriCase !== true,
    headers: headersOf(match),
    queryParameters: queryOf(match),
    dynamicMetadata: claimsOf(match),
  };
};

const pathOf = (uri: StringMatch | undefined): NonNullable<RouteMatch['pathSpecifier']> => {
  if (uri?.exact !== undefined) return { $case: 'path', value: uri.exact };
  if (uri?.regex !== undefined) return { $case: 'safeRegex', value: { regex: uri.regex } };
  return { $case: 'prefix', value: uri?.prefix ?? '/' };
};

/** Keys that VirtualService ignores among headers: they have fields of their own. */
const NOT_HEADERS: ReadonlySet<string> = new Set(['uri', 'scheme', 'method', 'authority']);

const headersOf = (match: HttpMatch): HeaderMatcher[] => {
  const plain = entriesOf(match.headers).filter(([name]) => !NOT_HEADERS.has(name) && routingClaim(name) === undefined);
  const without = entriesOf(match.withoutHeaders).filter(([name]) => routingClaim(name) === undefined);
  return [
    ...plain.map(([name, value]) => headerMatcher(name, value, false)),
    ...without.map(([name, value]) => headerMatcher(name, value, true)),
    ...(['method', 'authority', 'scheme'] as const).flatMap((name) => (match[name] ? [headerMatcher(`:${name}`, match[name], false)] : [])),
  ];
};

/** Header names that mean a claim of the verified token (`@request.auth.claims.sub`): known on gateways that verify tokens, absent elsewhere. */
const claimsOf = (match: HttpMatch): MetadataMatcher[] => [
  ...entriesOf(match.headers).flatMap(([name, value]) => claimMatcher(name, value, false)),
  ...entriesOf(match.withoutHeaders).flatMap(([name, value]) => claimMatcher(name, value, true)),
];

const THERE: ValueMatcher = { matchPattern: { $case: 'presentMatch', value: true } };

/** `{}` asks whether there is such a claim, of whatever type. Istio sends an empty matcher there, which Envoy refuses with all routes. */
const claimMatcher = (name: string, match: StringMatch, invert: boolean): MetadataMatcher[] => {
  const claim = routingClaim(name);
  if (claim === undefined) return [];
  const matcher = toStringMatcher(match);
  return [{ ...(matcher ? claimHolds(claim, textValue(matcher)) : claimIs(claim, THERE)), invert }];
};

/** In the order of their names. */
const entriesOf = (matches: Readonly<Record<string, StringMatch>> | undefined): [string, StringMatch][] =>
  Object.entries(matches ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));

const headerMatcher = (name: string, match: StringMatch, invert: boolean): HeaderMatcher => {
  const matcher = toStringMatcher(match);
  return {
    name: name.toLowerCase(),
    headerMatchSpecifier: matcher ? { $case: 'stringMatch', value: matcher } : { $case: 'presentMatch', value: true },
    invertMatch: invert,
    // A missing header counts as empty, so that "without x: v" holds for requests that have no x.
    treatMissingHeaderAsEmpty: invert && matcher !== undefined,
  };
};

const queryOf = (match: HttpMatch): QueryParameterMatcher[] =>
  entriesOf(match.queryParams).map(([name, value]) => {
    const matcher = toStringMatcher(value);
    return {
      name,
      queryParameterMatchSpecifier: matcher ? { $case: 'stringMatch', value: matcher } : { $case: 'presentMatch', value: true },
    };
  });
