/** RequestAuthentications of one workload → Envoy's jwt_authn. Pure. Source: istio pilot/pkg/security/authn/policy_applier.go. */
import { BLACK_HOLE_CLUSTER } from '#api/names.ts';
import type { Any, HttpFilter, JwtProvider, JwtRequirement } from '#envoy';
import type { JwtRule } from '../../resources/security/request-authentication.ts';
import { pack, toDuration } from '../pack.ts';
import { JWT_FILTER, PAYLOAD } from './claims.ts';

/** How one workload reads tokens. keysOf: the key set of a rule that has none of its own, or undefined before it was ever fetched. */
export interface TokenReading {
  readonly rules: readonly JwtRule[];
  readonly keysOf: (rule: JwtRule) => string | undefined;
  /** Routes may ask for claims: they are looked up again once a token was verified. */
  readonly routesByClaims: boolean;
}

/** Nothing when no rule applies. A request without a token passes; one with a bad token does not. */
export const requestAuthentication = ({ rules, keysOf, routesByClaims }: TokenReading): HttpFilter[] => {
  if (rules.length === 0) return [];
  const named = [...rules]
    .sort((a, b) => compare(a.issuer ?? '', b.issuer ?? ''))
    .map((rule, index) => [`origins-${index}`, providerOf(rule, keysOf(rule), routesByClaims)] as const);
  const config = {
    providers: Object.fromEntries(named),
    rules: [
      {
        match: { pathSpecifier: { $case: 'prefix', value: '/' } },
        requirementType: { $case: 'requires', value: requirementOf(named.map(([name]) => name)) },
      },
    ],
    bypassCorsPreflight: true,
  };
  const value = pack('envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication', config) as Any;
  return [{ name: JWT_FILTER, configType: { $case: 'typedConfig', value }, isOptional: false, disabled: false }];
};

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const providerOf = (rule: JwtRule, fetched: string | undefined, clearRouteCache: boolean): object => {
  return {
    issuer: rule.issuer ?? '',
    audiences: [...(rule.audiences ?? [])],
    jwksSourceSpecifier: keysFrom(rule.jwks || fetched),
    forward: rule.forwardOriginalToken === true,
    forwardPayloadHeader: rule.outputPayloadToHeader ?? '',
    payloadInMetadata: PAYLOAD,
    normalizePayloadInMetadata: {
      spaceDelimitedClaims: [...new Set([...(rule.spaceDelimitedClaims ?? []), 'permission', 'scope'])].sort(compare),
    },
    fromHeaders: (rule.fromHeaders ?? []).map(({ name = '', prefix = '' }) => ({ name, valuePrefix: prefix })),
    fromParams: [...(rule.fromParams ?? [])],
    fromCookies: [...(rule.fromCookies ?? [])],
    claimToHeaders: (rule.outputClaimToHeaders ?? []).map(({ header = '', claim = '' }) => ({ headerName: header, claimName: claim })),
    clearRouteCache,
  } satisfies Partial<Record<keyof JwtProvider, unknown>>;
};

/** Envoy refuses a set without keys, and a key that stands for none is one too many: who has no keys is told to fetch them where nobody answers. */
const keysFrom = (keys: string | undefined): object =>
  keys !== undefined && hasKeys(keys)
    ? { $case: 'localJwks', value: { specifier: { $case: 'inlineString', value: keys } } }
    : { $case: 'remoteJwks', value: { httpUri: NOBODY } };

const NOBODY = {
  uri: 'http://no-keys.invalid/',
  httpUpstreamType: { $case: 'cluster', value: BLACK_HOLE_CLUSTER },
  timeout: toDuration(1000),
};

const hasKeys = (text: string): boolean => {
  try {
    const { keys } = JSON.parse(text) as { readonly keys?: unknown };
    return Array.isArray(keys) && keys.length > 0;
  } catch {
    return false;
  }
};

const any = (requirements: JwtRequirement[]): JwtRequirement => ({ requiresType: { $case: 'requiresAny', value: { requirements } } });

const provider = (name: string): JwtRequirement => ({ requiresType: { $case: 'providerName', value: name } });

const validOrMissing = (name: string): JwtRequirement => any([provider(name), { requiresType: { $case: 'allowMissing', value: {} } }]);

/** With several issuers one valid token is enough, and without any no token may be there that is bad for its issuer. */
const requirementOf = (names: readonly string[]): JwtRequirement => {
  const [only] = names;
  if (names.length === 1 && only !== undefined) return validOrMissing(only);
  const requirements = names.map(validOrMissing);
  return any([...names.map(provider), { requiresType: { $case: 'requiresAll', value: { requirements } } }]);
};
