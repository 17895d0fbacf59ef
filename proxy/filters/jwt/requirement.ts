/** What tokens a request must bring: the tree of JwtRequirement as one function. Source: extensions.filters.http.jwt_authn.v3.JwtRequirement. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { JwtRequirement } from '#envoy';
import type { JwtFailure } from './failures.ts';
import { compileLocations } from './locations.ts';
import { type AudienceTest, type Context, compileAudiences, type Provider, readFound } from './provider.ts';

/** The failure, or nothing. Never rejects. */
export type Verify = (context: Context) => Promise<JwtFailure | undefined>;

type Providers = ReadonlyMap<string, Provider>;

/** A request with several tokens passes with all of them good or not at all: who reads it later may believe any of them. */
const one = (provider: Provider, audience?: AudienceTest): Verify => {
  const find = compileLocations([provider.message]);
  return async (context) => {
    provider.sanitize(context.draft);
    const found = find(context.draft);
    if (found.length === 0) return 'missing';
    for (const each of found.toReversed()) {
      const token = readFound(each);
      const failure = typeof token === 'string' ? token : await provider.accept(each, token, context, audience);
      if (failure) return failure;
    }
    return undefined;
  };
};

/** Tokens of any of these providers, found by their issuer. */
const whatever = (providers: readonly Provider[], all: Providers, tolerant: (failure: JwtFailure) => boolean): Verify => {
  const find = compileLocations(providers.map(({ message }) => message));
  const byIssuer = new Map<string, Provider>();
  for (const provider of all.values()) if (!byIssuer.has(provider.message.issuer)) byIssuer.set(provider.message.issuer, provider);
  return async (context) => {
    for (const provider of providers) provider.sanitize(context.draft);
    for (const each of find(context.draft).toReversed()) {
      const token = readFound(each);
      const provider = typeof token === 'string' ? undefined : (byIssuer.get(token.issuer) ?? byIssuer.get(''));
      const failure = typeof token === 'string' ? token : provider ? await provider.accept(each, token, context) : 'issuer';
      if (failure && !tolerant(failure)) return failure;
    }
    return undefined;
  };
};

const isBypass = ({ requiresType: type }: JwtRequirement): boolean =>
  type?.$case === 'allowMissing' || type?.$case === 'allowMissingOrFailed';

const providerNames = ({ requiresType: type }: JwtRequirement): string[] => {
  if (type?.$case === 'providerName') return [type.value];
  return type?.$case === 'providerAndAudiences' ? [type.value.providerName] : [];
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
    for (const verify of verifiers) {
      const failure = await verify(context);
      if (!failure) return undefined;
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
      return whatever(around, providers, (failure) => failure === 'missing');
    case 'allowMissingOrFailed':
      return whatever(around, providers, () => true);
  }
};
