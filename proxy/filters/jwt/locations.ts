/** Where a request carries tokens, and how they are taken out of it. Source: extensions.filters.http.jwt_authn.v3.JwtProvider. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { JwtProvider } from '#envoy';
import { removeIn } from '../../http/header-map.ts';
import type { HttpRequest } from '../../http/message.ts';

/** The request as verification changes it. */
export interface Draft {
  /** [name, value, name, value …]. */
  readonly flat: string[];
  path: string;
}

/** A token that was found. */
export interface FoundToken {
  readonly text: string;
  /** Whether some provider looks for its tokens there. */
  allows(issuer: string): boolean;
  removeFrom(draft: Draft): void;
}

/** Finds all tokens of a draft. Several at once are several claims to be somebody, and all of them must hold. */
export type FindTokens = (draft: Draft) => readonly FoundToken[];

interface Place {
  readonly kind: 'header' | 'parameter' | 'cookie';
  readonly name: string;
  readonly prefix: string;
}

/** Places are looked at in this order, so that the same failure is told as by Envoy. */
const keyOf = ({ kind, name, prefix }: Place): string => `${'hpc'['header parameter cookie'.split(' ').indexOf(kind)]}${name}${prefix}`;

const inOrder = (a: string, b: string): number => 'hpc'.indexOf(a[0] ?? '') - 'hpc'.indexOf(b[0] ?? '') || (a < b ? -1 : 1);

const DEFAULT: readonly Place[] = [
  { kind: 'header', name: 'authorization', prefix: 'Bearer ' },
  { kind: 'parameter', name: 'access_token', prefix: '' },
];

const placesOf = ({ fromHeaders, fromParams, fromCookies }: JwtProvider): readonly Place[] => {
  const headers = fromHeaders.map((header, index): Place => {
    inField(`from_headers[${index}]`, () => {
      refuseUnsupported(header, { read: ['name', 'valuePrefix'] });
      if (header.name === '') throw new ConfigError('name', 'must not be empty');
    });
    return { kind: 'header', name: header.name.toLowerCase(), prefix: header.valuePrefix };
  });
  const parameters = fromParams.map((name): Place => ({ kind: 'parameter', name, prefix: '' }));
  const cookies = fromCookies.map((name): Place => ({ kind: 'cookie', name, prefix: '' }));
  const places = [...headers, ...parameters, ...cookies];
  return places.length > 0 ? places : DEFAULT;
};

/** From the first character behind the prefix that a token can have to the end: what else stands there spoils the token. */
const behind = (value: string, prefix: string): string | undefined => {
  if (prefix === '') return value;
  const at = value.indexOf(prefix);
  if (at < 0) return undefined;
  const start = value.slice(at + prefix.length).search(/[A-Za-z0-9_.-]/);
  return start < 0 ? value : value.slice(at + prefix.length + start);
};

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

const nameOf = (pair: string): string => decoded(pair.split('=', 1)[0] ?? '');

const pairsOf = (path: string): readonly string[] => {
  const start = path.indexOf('?');
  return start < 0 ? [] : (path.slice(start + 1).split('#', 1)[0] ?? '').split('&');
};

const withoutParameter = (path: string, name: string): string => {
  const kept = pairsOf(path).filter((pair) => nameOf(pair) !== name);
  const bare = path.slice(0, path.indexOf('?'));
  return kept.length > 0 ? `${bare}?${kept.join('&')}` : bare;
};

const cookiesOf = ({ flat }: Draft): string[] => {
  const cookies: string[] = [];
  for (let i = 0; i < flat.length; i += 2) if (flat[i] === 'cookie') cookies.push(...(flat[i + 1] as string).split(';'));
  return cookies.map((cookie) => cookie.trim());
};

const unquoted = (value: string): string => (/^".*"$/.test(value) && value.length > 1 ? value.slice(1, -1) : value);

const textsAt = (place: Place, draft: Draft): readonly string[] => {
  const { name, prefix } = place;
  if (place.kind === 'header') {
    const lines: string[] = [];
    for (let i = 0; i < draft.flat.length; i += 2) if (draft.flat[i] === name) lines.push(draft.flat[i + 1] as string);
    // One field with one value: two lines are no token, as in Envoy.
    const values = name === 'authorization' && lines.length > 1 ? [lines.join()] : lines;
    return values.flatMap((value) => behind(value, prefix) ?? []);
  }
  if (place.kind === 'parameter')
    return pairsOf(draft.path)
      .filter((pair) => nameOf(pair) === name)
      .map((pair) => decoded(pair.slice(pair.indexOf('=') < 0 ? pair.length : pair.indexOf('=') + 1)));
  return cookiesOf(draft)
    .filter((cookie) => cookie.startsWith(`${name}=`))
    .map((cookie) => unquoted(cookie.slice(name.length + 1)));
};

const removal = ({ kind, name }: Place): ((draft: Draft) => void) => {
  if (kind === 'header') return ({ flat }) => removeIn(flat, name);
  if (kind === 'parameter')
    return (draft) => {
      draft.path = withoutParameter(draft.path, name);
    };
  // As Envoy 1.40: cookies stay as they are.
  return () => {};
};

/** Throws ConfigError. An issuer that is empty stands for every issuer. */
export const compileLocations = (providers: readonly JwtProvider[]): FindTokens => {
  const issuers = new Map<string, { readonly place: Place; readonly issuers: Set<string> }>();
  for (const provider of providers)
    for (const place of placesOf(provider)) {
      const known = issuers.get(keyOf(place)) ?? { place, issuers: new Set() };
      issuers.set(keyOf(place), known);
      known.issuers.add(provider.issuer);
    }
  const sorted = [...issuers].sort(([a], [b]) => inOrder(a, b)).map(([, each]) => ({ ...each, removeFrom: removal(each.place) }));
  return (draft) =>
    sorted.flatMap(({ place, issuers, removeFrom }) =>
      textsAt(place, draft).map((text) => ({ text, removeFrom, allows: (issuer) => issuers.has('') || issuers.has(issuer) })),
    );
};

/** A path without what would be a token in its query. */
export const pathWithoutTokens = (path: string, providers: readonly JwtProvider[]): string => {
  const names = providers.flatMap((provider) => placesOf(provider).filter(({ kind }) => kind === 'parameter'));
  return names.reduce(
    (left, { name }) => (pairsOf(left).some((pair) => nameOf(pair) === name) ? withoutParameter(left, name) : left),
    path,
  );
};

/** A draft of a request. */
export const draftOf = (request: HttpRequest): Draft => ({ flat: request.headers.flat.slice(), path: request.path });
