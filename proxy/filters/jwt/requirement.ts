/** What tokens a request must bring: the tree of JwtRequirement as one function. Source: extensions.filters.http.jwt_authn.v3.JwtRequirement. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { JwtRequirement } from '#envoy';
import type { JwtFailure } from './failures.ts';
import { compileLocations, type FoundToken } from './locations.ts';
import { type AudienceTest, type Context, compileAudiences, type Provider, readFound } from './provider.ts';
import type { Token } from './token.ts';

/** The failure, or nothing. Never rejects. */
export type Verify = (context: Context) => Promise<JwtFailure | undefined>;

type Providers = ReadonlyMap<string, Provider>;

interface GoodToken {
  readonly provider: Provider;
  readonly found: FoundToken;
  readonly token: Token;
}

type ProviderOf = (token: Token) => Provider | undefined;

/**
 * A request with several tokens passes with all of them good or not at all: who reads it later may believe any of them. So nothing of any goes on,
 * and none is taken out of the request, before all are judged.
 */
const judgeAll = async (tokens: readonly FoundToken[], providerOf: ProviderOf, rules: { audience?: AudienceTest; tolerant: boolean }) => {
  const good: GoodToken[] = [];
  for (const found of tokens.toReversed()) {
    const token = readFound(found);
    const provider = typeof token === 'string' ? undefined : providerOf(token);
    const failure = typeof token === 'string' ? token : provider ? await provider.judge(found, token, rules.audience) : 'issuer';
    if (failure && !rules.tolerant) return failure;
    if (!failure && provider) good.push({ provider, found, token: token as Token });
  }
  return good;
};

const passAllOn = (good: readonly GoodToken[] | JwtFailure, context: Context): JwtFailure | undefined => {
  if (typeof good === 'string') return good;
  for (const { provider, found, token } of good) {
    const failure = provider.passOn(found, token, context);
    if (failure) return failure;
  }
  return undefined;
};

const one = (provider: Provider, audience?: AudienceTest): Verify => {
  const find = compileLocations([provider.message]);
  const rules = { ...(audience ? { audience } : {}), tolerant: false };
  return async (context) => {
    const found = find(context.draft);
    return found.length === 0 ? 'missing' : passAllOn(await judgeAll(found, () => provider, rules), context);
  };
};

/** Tokens of any of these providers, found by their issuer. */
const whatever = (providers: readonly Provider[], all: Providers, mode: 'good-or-none' | 'anything'): Verify => {
  const find = compileLocations(providers.map(({ message }) => message));
  const byIssuer = new Map<string, Provider>();
  for (const provider of all.values()) if (!byIssuer.has(provider.message.issuer)) byIssuer.set(provider.message.issuer, provider);
  return async (context) => {
    const providerOf: ProviderOf = ({ issuer }) => byIssuer.get(issuer) ?? byIssuer.get('');
    return passAllOn(await judgeAll(find(context.draft), providerOf, { tolerant: mode === 'anything' }), context);
  };
};

const isBypass = ({ requiresType: type }: JwtRequirement): boolean =>
  type?.$case === 'allowMissing' || type?.$case === 'allowMissingOrFailed';

const providerNames = ({ requiresType: type }: JwtRequirement): string[] => {
  if (type?.$case === 'providerName') return [type.value];
  return type?.$case === 'providerAndAudiences' ? [type.value.providerName] : [];
};

const kept = ({ draft, extracted }: Context) => ({ flat: draft.flat.slice(), path: draft.path, extracted: { ...extracted } });

const restore = ({ draft, extracted }: Context, before: ReturnType<typeof kept>): void => {
  draft.flat.splice(0, draft.flat.length, ...before.flat);
  draft.path = before.path;
  for (const name of Object.keys(extracted)) delete extracted[name];
  Object.assign(extracted, before.extracted);
};

/** What says most about why nothing fitted. */
const RANK: Readonly<Partial<Record<JwtFailure, number>>> = { missing: 2, issuer: 1 };
const rank = (failure: JwtFailure): number => RANK[failure] ?? 0;

const any = (items: readonly JwtRequirement[], providers: Providers): Verify => {
  const siblings = items.flatMap(providerNames).flatMap((name) => providers.get(name) ?? []);
  const indexed = items.map((item, index) => ({ item, index }));
  // What lets requests without a good token pass is asked last, and once.
  const bypasses = indexed.filter(({ item }) => isBypass(item));
  const bypass = bypasses.find(({ item }) => item.requiresType?.$case === 'allowMissingOrFailed') ?? bypasses[0];
  const ordered = [...indexed.filter(({ item }) => !isBypass(item)), ...(bypass ? [bypass] : [])];
  const verifiers = ordered.map(({ item, index }) =>
    inField(`requirements[${index}]`, () => compileRequirement(item, providers, siblings)),
  );
  return async (context) => {
    let worst: JwtFailure | undefined;
    const before = kept(context);
    for (const verify of verifiers) {
      const failure = await verify(context);
      if (!failure) return undefined;
      // What a branch did before it failed must not help the next one.
      restore(context, before);
      if (worst === undefined || rank(failure) <= rank(worst)) worst = failure;
    }
    return worst;
  };
};

const all = (items: readonly JwtRequirement[], providers: Providers): Verify => {
  const verifiers = items.map((item, index) => inField(`requirements[${index}]`, () => compileRequirement(item, providers)));
  return async (context) => {
    for (const verify of verifiers) {
      const failure = await verify(context);
      if (failure) return failure;
    }
    return undefined;
  };
};

const providerOf = (name: string, providers: Providers): Provider => {
  const provider = providers.get(name);
  if (!provider) throw new ConfigError('provider_name', `required provider '${name}' is not configured`);
  return provider;
};

/** siblings: providers beside this requirement under a requires_any. Throws ConfigError. */
export const compileRequirement = (requirement: JwtRequirement, providers: Providers, siblings: readonly Provider[] = []): Verify => {
  refuseUnsupported(requirement, { read: ['requiresType'] });
  const type = requirement.requiresType;
  const around = siblings.length > 0 ? siblings : [...providers.values()];
  switch (type?.$case) {
    case undefined:
      return async () => undefined;
    case 'providerName':
      return one(providerOf(type.value, providers));
    case 'providerAndAudiences':
      return inField('provider_and_audiences', () => {
        const { providerName, audiences } = type.value;
        return one(providerOf(providerName, providers), audiences.length > 0 ? compileAudiences(audiences) : undefined);
      });
    case 'requiresAny':
      return inField('requires_any', () => any(type.value.requirements, providers));
    case 'requiresAll':
      return inField('requires_all', () => all(type.value.requirements, providers));
    case 'allowMissing':
      return whatever(around, providers, 'good-or-none');
    case 'allowMissingOrFailed':
      return whatever(around, providers, 'anything');
  }
};
