/** Accepted resources → what `/config_dump` shows of them. Read only; nothing is converted before it is asked for. */
import { KINDS, type Kind, TYPE_URLS } from '#api/kinds.ts';
import { HttpConnectionManager, type Listener, type RouteConfiguration } from '#envoy';
import { protoJsonAny } from './proto-json.ts';
import { type ResourceOf, type ResourceSet, resourceName } from './resource-set.ts';
import type { ProxySnapshot } from './snapshot.ts';

const HCM = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

/** Full protobuf names by kind. */
export const MESSAGE_NAMES: Readonly<Record<Kind, string>> = Object.fromEntries(
  KINDS.map((kind) => [kind, TYPE_URLS[kind].slice(TYPE_URLS[kind].indexOf('/') + 1)]),
) as Record<Kind, string>;

/** When and with which version a resource arrived. */
export class ArrivalNotes {
  readonly #notes = new WeakMap<object, { readonly version: string; readonly atMs: number }>();
  readonly startedAtMs: number;

  constructor(startedAtMs: number) {
    this.startedAtMs = startedAtMs;
  }

  /** The first note of a resource stays: it was sent again unchanged otherwise. */
  arrived(resource: object, version: string, atMs: number): void {
    if (!this.#notes.has(resource)) this.#notes.set(resource, { version, atMs });
  }

  of(resource: object): { readonly version: string; readonly updatedAtMs: number } {
    const note = this.#notes.get(resource);
    return { version: note?.version ?? '', updatedAtMs: note?.atMs ?? this.startedAtMs };
  }
}

/** One resource with its circumstances. */
export interface DumpedResource {
  readonly name: string;
  /** `@type` first. */
  readonly json: () => Readonly<Record<string, unknown>>;
  readonly isStatic: boolean;
  readonly warming: boolean;
  readonly version: string;
  readonly updatedAtMs: number;
}

/** What the dump is made from. */
export interface DumpSource {
  readonly resources: ResourceSet;
  readonly snapshot: ProxySnapshot;
  readonly notes: ArrivalNotes;
  /** Names that come from the bootstrap. */
  readonly isStatic: (kind: Kind, name: string) => boolean;
}

type Dumped = Readonly<Record<'clusters' | 'listeners' | 'routes' | 'endpoints', readonly DumpedResource[]>>;

/** Routes and endpoints that stand inside other resources count as static ones, as in Envoy. */
export const dumpResources = (source: DumpSource): Dumped => {
  const { resources, snapshot } = source;
  const inner = [...resources.lds.values()].flatMap((listener) => inlineRoutes(listener).map((routes) => ({ listener, routes })));
  const assigned = [...resources.cds.values()].flatMap(({ name, loadAssignment }) =>
    loadAssignment ? [dumped('eds', { ...loadAssignment, clusterName: loadAssignment.clusterName || name }, source, true)] : [],
  );
  return {
    clusters: [...resources.cds.values()].map((cluster) => ({
      ...dumped('cds', cluster, source),
      warming: !snapshot.clusters.has(cluster.name),
    })),
    listeners: [...resources.lds.values()].map((listener) => ({
      ...dumped('lds', listener, source),
      warming: !snapshot.listeners.has(listener.name),
    })),
    routes: [
      ...inner.map(({ listener, routes }) => ({
        ...dumped('rds', routes, source, true),
        updatedAtMs: source.notes.of(listener).updatedAtMs,
      })),
      ...[...resources.rds.values()].map((routes) => dumped('rds', routes, source)),
    ],
    endpoints: [...assigned, ...[...resources.eds.values()].map((endpoints) => dumped('eds', endpoints, source))],
  };
};

const dumped = <K extends Kind>(kind: K, resource: ResourceOf[K], source: DumpSource, inline = false): DumpedResource => {
  const name = resourceName(kind, resource);
  return {
    name,
    isStatic: inline || source.isStatic(kind, name),
    warming: false,
    json: () => protoJsonAny(resource, MESSAGE_NAMES[kind]),
    ...source.notes.of(resource),
  };
};

const inlineRoutes = (listener: Listener): RouteConfiguration[] =>
  [...listener.filterChains, ...(listener.defaultFilterChain ? [listener.defaultFilterChain] : [])].flatMap(({ filters }) =>
    filters.flatMap(({ configType }) => {
      if (configType?.$case !== 'typedConfig' || !configType.value.typeUrl.endsWith(`/${HCM}`)) return [];
      const { routeSpecifier } = HttpConnectionManager.decode(configType.value.value);
      return routeSpecifier?.$case === 'routeConfig' ? [routeSpecifier.value] : [];
    }),
  );
