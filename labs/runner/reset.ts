/** Puts the mesh's resources back to what they were when the site started. */

/** A stored document, as much of it as reset compares and sends. */
export interface KeptResource {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly yaml: string;
}

/** The control plane, as reset needs it. */
export interface ResourceStore {
  list(): Promise<readonly KeptResource[]>;
  apply(files: Readonly<Record<string, string>>): Promise<unknown>;
  remove(files: Readonly<Record<string, string>>): Promise<unknown>;
}

const keyOf = (resource: KeptResource): string => `${resource.kind} ${resource.namespace}/${resource.name}`;

const asFiles = (resources: readonly KeptResource[]): Record<string, string> =>
  Object.fromEntries(resources.map((resource) => [`${resource.kind}-${resource.namespace}-${resource.name}.yaml`, resource.yaml]));

/** Removes what was added and applies again what was changed or taken away. Gives the number of resources touched. */
export const resetTo = async (initial: readonly KeptResource[], store: ResourceStore): Promise<number> => {
  const now = await store.list();
  const before = new Map(initial.map((resource) => [keyOf(resource), resource]));
  const present = new Map(now.map((resource) => [keyOf(resource), resource]));
  const added = now.filter((resource) => !before.has(keyOf(resource)));
  const differing = initial.filter((resource) => present.get(keyOf(resource))?.yaml !== resource.yaml);
  if (added.length > 0) await store.remove(asFiles(added));
  if (differing.length > 0) await store.apply(asFiles(differing));
  return added.length + differing.length;
};
