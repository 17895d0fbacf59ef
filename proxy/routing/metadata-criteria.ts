/** metadata_match → the labels that a route's hosts must have. Source: config.route.v3.RouteAction.metadata_match. */
import { ConfigError } from '#api/config-error.ts';
import type { RouteAction } from '#envoy';

/** Names and values, by name; the same object for the same route, so that what is found by it can be kept. */
export type MetadataCriteria = readonly (readonly [name: string, value: unknown])[];

type MetadataMatch = RouteAction['metadataMatch'];

const LB_NAME_SPACE = 'envoy.lb';

/** Throws ConfigError with a path relative to the message that has it. */
const factsOf = (match: MetadataMatch): Readonly<Record<string, unknown>> => {
  if (!match) return {};
  if (Object.keys(match.typedFilterMetadata).length > 0)
    throw new ConfigError('metadata_match.typed_filter_metadata', 'not supported by this proxy');
  return match.filterMetadata[LB_NAME_SPACE] ?? {};
};

/** own: what one target of a split says beside its route, and against it. Undefined when nobody says anything. */
export const compileMetadataCriteria = (route: MetadataMatch, own?: MetadataMatch): MetadataCriteria | undefined => {
  const facts = { ...factsOf(route), ...factsOf(own) };
  const names = Object.keys(facts).toSorted();
  return names.length === 0 ? undefined : names.map((name) => [name, facts[name]]);
};
