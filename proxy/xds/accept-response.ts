/** The gate that every resource passes, from a response or from the bootstrap: decode, name, trial-compile. */
import { ConfigError } from '#api/config-error.ts';
import { type Kind, TYPE_URLS } from '#api/kinds.ts';
import { type Any, Cluster, ClusterLoadAssignment, Listener, type MessageFns, RouteConfiguration, Secret } from '#envoy';
import { type ResourceOf, resourceName } from '../config/resource-set.ts';

const CODECS: { readonly [K in Kind]: MessageFns<ResourceOf[K]> } = {
  cds: Cluster,
  eds: ClusterLoadAssignment,
  sds: Secret,
  lds: Listener,
  rds: RouteConfiguration,
};

const WORDS: Readonly<Record<Kind, string>> = {
  cds: 'cluster(s)',
  eds: 'endpoint(s)',
  sds: 'secret(s)',
  lds: 'listener(s)',
  rds: 'route(s)',
};

/** Throws ConfigError when the resource could not be used. */
export type CheckResource = <K extends Kind>(kind: K, resource: ResourceOf[K]) => void;

/** What passed, and what did not; a response with errors is refused, and what passed is used all the same, as Envoy does. */
export interface Accepted<K extends Kind> {
  readonly resources: readonly ResourceOf[K][];
  /** Resources that were sent, but not usable: the old ones of these names stay. */
  readonly failed: ReadonlySet<string>;
  readonly errors: readonly string[];
}

/** How a refused resource is reported; `errorText('cds', 'a', '…')` reads as Envoy's. */
export const errorText = (kind: Kind, name: string, reason: string): string => `Error adding/updating ${WORDS[kind]} ${name}: ${reason}`;

/** Remembers bytes, so that a resource that was sent again unchanged is the same object as before. */
export class ResourceGate {
  readonly #bytes = new WeakMap<object, Uint8Array>();
  readonly #check: CheckResource;

  constructor(check: CheckResource) {
    this.#check = check;
  }

  /** previous: what is in use now under these names. */
  accept<K extends Kind>(kind: K, sent: readonly Any[], previous: ReadonlyMap<string, ResourceOf[K]>): Accepted<K> {
    const resources = new Map<string, ResourceOf[K]>();
    const failed = new Set<string>();
    const errors: string[] = [];
    for (const [index, any] of sent.entries()) {
      let name = `[${index}]`;
      try {
        const resource = decode(kind, any);
        name = resourceName(kind, resource);
        if (name === '') throw new ConfigError(kind === 'eds' ? 'cluster_name' : 'name', 'must not be empty');
        if (resources.has(name) || failed.has(name)) throw new ConfigError('', `duplicate ${WORDS[kind].replace('(s)', '')} ${name} found`);
        resources.set(name, this.#known(any.value, previous.get(name)) ?? this.#checked(kind, resource, any.value));
      } catch (error) {
        failed.add(name);
        errors.push(errorText(kind, name, error instanceof Error ? error.message : String(error)));
      }
    }
    return { resources: [...resources.values()], failed, errors };
  }

  #known<R extends object>(bytes: Uint8Array, previous: R | undefined): R | undefined {
    const before = previous && this.#bytes.get(previous);
    return before && Buffer.compare(before, bytes) === 0 ? previous : undefined;
  }

  #checked<K extends Kind>(kind: K, resource: ResourceOf[K], bytes: Uint8Array): ResourceOf[K] {
    this.#check(kind, resource);
    this.#bytes.set(resource, bytes);
    return resource;
  }
}

const decode = <K extends Kind>(kind: K, any: Any): ResourceOf[K] => {
  if (any.typeUrl !== TYPE_URLS[kind]) throw new ConfigError('', `expected ${TYPE_URLS[kind]}, got ${any.typeUrl}`);
  return CODECS[kind].decode(any.value);
};
