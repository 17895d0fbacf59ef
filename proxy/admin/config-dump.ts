/** `/config_dump`: accepted resources as envoy.admin.v3.ConfigDump, readable by what reads Envoy's. */
import type { TextTest } from '../http/string-match.ts';
import { type AdminAnswer, AdminRequestError, json } from './answer.ts';
import { masked } from './field-mask.ts';
import { search } from './search.ts';
import type { DumpedConfiguration, DumpedResource } from './view.ts';

const PREFIX = 'type.googleapis.com/envoy.admin.v3.';
const PARAMETERS = ['include_eds', 'resource', 'name_regex', 'mask'];

type Json = Readonly<Record<string, unknown>>;

interface Section extends Json {
  readonly '@type': string;
}

/** Query: `include_eds`, `name_regex`, `resource=dynamic_listeners` for the entries of one list, and `mask` for some fields of what is shown. */
export const configDump = (configuration: DumpedConfiguration, query: URLSearchParams): AdminAnswer => {
  const unknown = [...query.keys()].find((key) => !PARAMETERS.includes(key));
  if (unknown !== undefined) throw new AdminRequestError(`${unknown} is not supported; what is: ${PARAMETERS.join(', ')}`);
  const sections = sectionsOf(named(configuration, search(query.get('name_regex'))), query.has('include_eds'));
  const list = query.get('resource');
  return json({ configs: maskedBy(query.get('mask'), list === null ? sections : entriesOf(sections, list)) });
};

const maskedBy = (mask: string | null, configs: readonly Json[]): readonly Json[] => {
  if (mask === null) return configs;
  const shown = configs.flatMap((config): Json[] => {
    const kept = masked(config, mask.split(','));
    return kept ? [kept] : [];
  });
  if (shown.length === 0) throw new AdminRequestError(`FieldMask ${mask} could not be successfully applied to any configs.`);
  return shown;
};

const named = (configuration: DumpedConfiguration, matches: TextTest | undefined): DumpedConfiguration => {
  if (!matches) return configuration;
  const keep = (all: readonly DumpedResource[]) => all.filter(({ name }) => matches(name));
  const { clusters, listeners, routes, endpoints, secrets = [] } = configuration;
  return {
    ...configuration,
    clusters: keep(clusters),
    listeners: keep(listeners),
    routes: keep(routes),
    endpoints: keep(endpoints),
    secrets: keep(secrets),
  };
};

const entriesOf = (sections: readonly Section[], list: string): readonly Json[] => {
  for (const section of sections) {
    const entries = section[list];
    if (Array.isArray(entries)) return entries.map((entry: Json) => ({ '@type': entryType(section, list), ...entry }));
    if (typeof entries === 'object' && entries !== null) return [section];
  }
  throw new AdminRequestError(`${list} not found in config dump`, 404);
};

const ENTRIES: Readonly<Record<string, string>> = {
  static_clusters: 'StaticCluster',
  dynamic_active_clusters: 'DynamicCluster',
  dynamic_warming_clusters: 'DynamicCluster',
  static_listeners: 'StaticListener',
  dynamic_listeners: 'DynamicListener',
  static_route_configs: 'StaticRouteConfig',
  dynamic_route_configs: 'DynamicRouteConfig',
  static_endpoint_configs: 'StaticEndpointConfig',
  dynamic_endpoint_configs: 'DynamicEndpointConfig',
  static_secrets: 'StaticSecret',
  dynamic_active_secrets: 'DynamicSecret',
  dynamic_warming_secrets: 'DynamicSecret',
};

const entryType = (section: Section, list: string): string => `${section['@type']}.${ENTRIES[list] ?? ''}`;

const timeOf = (wallMs: number): string => new Date(wallMs).toISOString();

const entry = (field: string, resource: DumpedResource): Json => ({
  ...(resource.version !== '' && { version_info: resource.version }),
  [field]: resource.json(),
  last_updated: timeOf(resource.updatedAtMs),
});

const listener = (resource: DumpedResource): Json => ({
  name: resource.name,
  [resource.warming ? 'warming_state' : 'active_state']: entry('listener', resource),
});

const secret = (resource: DumpedResource): Json => ({ name: resource.name, ...entry('secret', resource) });

const split = (all: readonly DumpedResource[]) => ({
  fixed: all.filter(({ isStatic }) => isStatic),
  active: all.filter(({ isStatic, warming }) => !isStatic && !warming),
  dynamic: all.filter(({ isStatic }) => !isStatic),
  warming: all.filter(({ isStatic, warming }) => !isStatic && warming),
});

const sectionsOf = (configuration: DumpedConfiguration, withEndpoints: boolean): readonly Section[] => {
  const clusters = split(configuration.clusters);
  const endpoints = split(configuration.endpoints);
  const listeners = split(configuration.listeners);
  const routes = split(configuration.routes);
  const secrets = split(configuration.secrets ?? []);
  const entries = (field: string, all: readonly DumpedResource[]) => all.map((resource) => entry(field, resource));
  return [
    {
      '@type': `${PREFIX}BootstrapConfigDump`,
      bootstrap: configuration.bootstrap(),
      last_updated: timeOf(configuration.startedAtMs),
    },
    {
      '@type': `${PREFIX}ClustersConfigDump`,
      version_info: configuration.versions.cds,
      static_clusters: entries('cluster', clusters.fixed),
      dynamic_active_clusters: entries('cluster', clusters.active),
      dynamic_warming_clusters: entries('cluster', clusters.warming),
    },
    ...(withEndpoints
      ? [
          {
            '@type': `${PREFIX}EndpointsConfigDump`,
            static_endpoint_configs: entries('endpoint_config', endpoints.fixed),
            dynamic_endpoint_configs: entries('endpoint_config', endpoints.dynamic),
          },
        ]
      : []),
    {
      '@type': `${PREFIX}ListenersConfigDump`,
      version_info: configuration.versions.lds,
      static_listeners: entries('listener', listeners.fixed),
      dynamic_listeners: listeners.dynamic.map(listener),
    },
    {
      '@type': `${PREFIX}RoutesConfigDump`,
      static_route_configs: entries('route_config', routes.fixed),
      dynamic_route_configs: entries('route_config', routes.dynamic),
    },
    ...(configuration.secrets && configuration.secrets.length > 0
      ? [
          {
            '@type': `${PREFIX}SecretsConfigDump`,
            static_secrets: secrets.fixed.map(secret),
            dynamic_active_secrets: secrets.active.map(secret),
            dynamic_warming_secrets: secrets.warming.map(secret),
          },
        ]
      : []),
  ];
};
