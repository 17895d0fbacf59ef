/** Refusals that no ALLOW or DENY rule made: a token was not believed, or somebody else decides (CUSTOM). Pure. */
import type { CallFacts } from '#api/story.ts';
import type { Locate } from '../resources/problem.ts';
import type { ResourceOf } from '../resources/resource.ts';
import type { Decision, ReadPolicy } from './read-policy.ts';

/** Whose tokens are believed, and where that stands if it was read from a file. */
export type TokenPolicy = Pick<ResourceOf<'RequestAuthentication'>, 'metadata' | 'spec'> & {
  readonly origin?: { readonly file: string };
  readonly locate?: Locate;
};

const TOKEN_REFUSED = /^jwt_authn_access_denied\{(.*)\}$/s;
const CANNOT_ASK = '-deny-due-to-bad-CUSTOM-action';

/** Undefined: it was not refused so. custom: what decided that somebody else is asked. */
export const refusedElsewhere = (
  { details = '' }: CallFacts,
  custom: Decision['by'],
  tokens: readonly TokenPolicy[],
): Decision | undefined => {
  const [, token] = TOKEN_REFUSED.exec(details) ?? [];
  if (token !== undefined) return { verdict: 'denied', reason: `its token was refused (${token.replaceAll('_', ' ')})${believed(tokens)}` };
  if (details === 'filter_chain_not_found')
    return { verdict: 'denied', reason: 'its connection ended before any policy was asked, as the workload takes mutual TLS only' };
  if (details.includes(CANNOT_ASK))
    return denied(custom, 'nobody can be asked: its provider is not known, or two providers are named for one workload');
  if (details === 'ext_authz_denied') return denied(custom, 'the authorizer refused it');
  return details.startsWith('ext_authz_') ? denied(custom, 'the authorizer could not be asked') : undefined;
};

/** Nobody recorded what an authorizer said. */
export const unknownElsewhere = (by: NonNullable<Decision['by']>): Decision => ({
  ...{ verdict: 'not certain', by },
  reason: `${asks(by)}, and what it said was not recorded`,
});

const denied = (by: Decision['by'], why: string): Decision => ({
  verdict: 'denied',
  ...(by && { by }),
  reason: by ? `${why}: ${asks(by)}` : `${why}; no CUSTOM policy of now would ask for it`,
});

const asks = ({ policy, rule }: NonNullable<Decision['by']>): string =>
  `CUSTOM policy ${policy.name} asks ${providerOf(policy)}, as ${rule.path} matched`;

const providerOf = ({ policy }: ReadPolicy): string => policy.spec.provider?.name || 'a provider without a name';

const believed = (tokens: readonly TokenPolicy[]): string => {
  const each = tokens.map((token) => {
    const issuers = (token.spec.jwtRules ?? []).map(({ issuer = '' }) => issuer).join(', ');
    return `RequestAuthentication ${token.metadata.namespace}/${token.metadata.name}${placeOf(token)} believes ${issuers || 'nobody'}`;
  });
  return each.length === 0 ? '' : `; ${each.join('; ')}`;
};

const placeOf = ({ origin, locate }: TokenPolicy): string =>
  origin && locate ? ` (${origin.file}:${locate('spec.jwtRules', true).line})` : '';
