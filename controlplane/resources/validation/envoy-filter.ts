/**
 * What of EnvoyFilters this mesh takes. An EnvoyFilter may change anything, so what is not made as written is refused: half of a change would be no warning to anybody.
 * What is taken are the parts for which Istio has no resource of its own, as its samples write them: local rate limits and active health checks.
 */
import { ConfigError } from '#api/config-error.ts';
import { fieldTable } from '#api/proto-json/field-table.ts';
import { checkJson } from '#api/proto-json/strict-json.ts';
import { fail, warn } from '../checks.ts';
import { type ConfigPatch, type EnvoyFilterSpec, unwrapped } from '../envoy-filter.ts';
import type { Complaint } from '../problem.ts';

const HCM = 'envoy.filters.network.http_connection_manager';
const ROUTER = 'envoy.filters.http.router';
const LIMIT = 'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit';

const TAKEN =
  'of EnvoyFilters this mesh applies HTTP_FILTER INSERT_BEFORE or INSERT_FIRST of a local_ratelimit filter, HTTP_ROUTE MERGE of route.rate_limits and of local_ratelimit settings, and CLUSTER MERGE of health_checks';

const ONLY_ENVOY =
  "limits by descriptor are Envoy's only: the proxy of this project refuses the resource that has them, and keeps what it had";

/** One kind of change: its operations, what of `match` it may go by, and the message and fields of its value. */
interface Change {
  readonly operations: readonly string[];
  readonly matches: readonly string[];
  readonly message: string;
  readonly fields: readonly string[];
}

const CHANGES: Readonly<Record<string, Change>> = {
  HTTP_FILTER: {
    operations: ['INSERT_BEFORE', 'INSERT_FIRST'],
    matches: ['context', 'listener.portNumber', 'listener.name', 'listener.filterChain.filter'],
    message: 'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter',
    fields: ['name', 'typed_config'],
  },
  HTTP_ROUTE: {
    operations: ['MERGE'],
    matches: [
      'context',
      'routeConfiguration.portNumber',
      'routeConfiguration.name',
      'routeConfiguration.vhost.name',
      'routeConfiguration.vhost.route',
    ],
    message: 'envoy.config.route.v3.Route',
    fields: ['route.rate_limits', 'typed_per_filter_config'],
  },
  CLUSTER: {
    operations: ['MERGE'],
    matches: ['context', 'cluster'],
    message: 'envoy.config.cluster.v3.Cluster',
    fields: ['health_checks'],
  },
};

/** Paths in the complaints start at `spec`. */
export const validateEnvoyFilter = (spec: EnvoyFilterSpec): readonly Complaint[] => [
  ...(spec.targetRefs === undefined ? [] : [fail('spec.targetRefs', `not supported by this mesh: use workloadSelector`)]),
  ...(spec.configPatches ?? []).flatMap((patch, index) => checkPatch(patch, `spec.configPatches[${index}]`)),
];

const checkPatch = ({ applyTo = '', match = {}, patch }: ConfigPatch, path: string): Complaint[] => {
  const change = Object.hasOwn(CHANGES, applyTo) ? CHANGES[applyTo] : undefined;
  if (!change) return [fail(`${path}.applyTo`, `${applyTo.slice(0, 60) || 'nothing'} is not supported by this mesh: ${TAKEN}`)];
  const operation = patch?.operation ?? '';
  if (!change.operations.includes(operation))
    return [
      fail(`${path}.patch.operation`, `${operation.slice(0, 60) || 'nothing'} is not supported by this mesh for ${applyTo}: ${TAKEN}`),
    ];
  return [
    ...leavesOf(match)
      .filter((leaf) => !change.matches.some((known) => leaf === known || leaf.startsWith(`${known}.`)))
      .map((leaf) => fail(`${path}.match.${leaf}`, `not supported by this mesh; ${applyTo} may go by ${change.matches.join(', ')}`)),
    ...checkFilterNames(match, `${path}.match.listener.filterChain.filter`),
    ...(patch?.filterClass === undefined
      ? []
      : [fail(`${path}.patch.filterClass`, 'not supported by this mesh: the place is told by the operation')]),
    ...checkValue(change, patch?.value, `${path}.patch.value`),
  ];
};

const checkFilterNames = ({ listener }: NonNullable<ConfigPatch['match']>, path: string): Complaint[] => {
  const { name = HCM, subFilter } = listener?.filterChain?.filter ?? {};
  return [
    ...(name === HCM ? [] : [fail(`${path}.name`, `not supported by this mesh: it must be ${HCM}`)]),
    ...((subFilter?.name ?? ROUTER) === ROUTER ? [] : [fail(`${path}.subFilter.name`, `not supported by this mesh: it must be ${ROUTER}`)]),
  ];
};

/** The value is read by Envoy's own messages, without tolerance. */
const checkValue = ({ message, fields }: Change, value: unknown, path: string): Complaint[] => {
  const tree = unwrapped(value);
  try {
    checkJson(tree, message, fieldTable());
  } catch (error) {
    if (error instanceof ConfigError) return [fail(error.path === '' ? path : `${path}.${error.path}`, error.reason)];
    throw error;
  }
  const leaves = leavesOf(snaked(tree));
  const strange = leaves.filter((leaf) => !fields.some((known) => leaf === known || leaf.startsWith(`${known}.`)));
  const refused = leaves.filter((leaf) => /(?:^route\.rate_limits|\.descriptors)$/.test(leaf));
  return [
    ...refused.map((leaf) => warn(`${path}.${leaf}`, ONLY_ENVOY)),
    ...strange.map((leaf) => fail(`${path}.${leaf}`, `not supported by this mesh: ${TAKEN}`)),
    ...typesIn(tree).flatMap((type) =>
      type.endsWith(`/${LIMIT}`) ? [] : [fail(path, `${type.slice(0, 120)} is not supported by this mesh: ${TAKEN}`)],
    ),
  ];
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Paths of all fields that have no fields of their own; lists are such. */
const leavesOf = (tree: unknown, path = ''): string[] =>
  isRecord(tree) && (Object.keys(tree).length > 0 || path === '')
    ? Object.entries(tree).flatMap(([key, value]) => leavesOf(value, path === '' ? key : `${path}.${key}`))
    : [path];

const snaked = (tree: unknown): unknown =>
  isRecord(tree)
    ? Object.fromEntries(
        Object.entries(tree).map(([key, value]) => [key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), snaked(value)]),
      )
    : tree;

const typesIn = (tree: unknown): string[] => {
  if (Array.isArray(tree)) return tree.flatMap(typesIn);
  if (!isRecord(tree)) return [];
  return Object.entries(tree).flatMap(([key, value]) => (key === '@type' ? [String(value)] : typesIn(value)));
};
