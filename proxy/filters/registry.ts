/** The filter types there are: a new one is one file and one row. */
import { ConfigError } from '#api/config-error.ts';
import type { Any } from '#envoy';
import { cors } from './cors.ts';
import { extAuthz } from './ext-authz.ts';
import { fault } from './fault.ts';
import type { FilterType } from './filter-type.ts';
import { grpcStats } from './grpc-stats.ts';
import { jwtAuthn } from './jwt-authn.ts';
import { localRatelimit } from './local-ratelimit.ts';
import { rbac } from './rbac.ts';

const FILTER_TYPES: readonly FilterType[] = [cors, extAuthz, fault, grpcStats, jwtAuthn, localRatelimit, rbac];

/** The last filter of every chain; it is the router room's, not a row here. */
export const ROUTER_TYPE_URL = 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router';

/** Type URLs of all HTTP filters. */
export const FILTER_TYPE_URLS: readonly string[] = [...FILTER_TYPES.map(({ typeUrl }) => typeUrl), ROUTER_TYPE_URL];

const OVERRIDE_URLS: ReadonlySet<string> = new Set(FILTER_TYPES.flatMap(({ overrideUrl }) => overrideUrl ?? []));

/** Throws ConfigError for settings that no filter knows, whether or not a filter of their name is there to read them. */
export const refuseUnknownOverrides = (overrides: Readonly<Record<string, Any>>): void => {
  for (const [name, { typeUrl }] of Object.entries(overrides))
    if (!OVERRIDE_URLS.has(typeUrl))
      throw new ConfigError(`typed_per_filter_config[${name}]`, `${typeUrl.replace(/^.*\//, '')} is not supported by this proxy`);
};

/** Throws ConfigError for a type that is not known. */
export const filterTypeOf = (typeUrl: string): FilterType => {
  const type = FILTER_TYPES.find((row) => row.typeUrl === typeUrl);
  if (!type) throw new ConfigError('', `${typeUrl.replace(/^.*\//, '')} is not supported by this proxy`);
  return type;
};
