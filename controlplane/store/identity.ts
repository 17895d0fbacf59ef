/** How resources are told apart. Two groups may use one word for different kinds (Gateway), so the group is part of the key. */
import type { Problem, ResourceName } from '#api/resource.ts';
import type { ActiveResource, InertResource } from '../resources/resource.ts';

/** Any document that was read. */
export type AnyResource = ActiveResource | InertResource;

/** `Kind namespace/name`, as problems name their resource. */
export const labelOf = ({ kind, namespace, name }: ResourceName): string => `${kind} ${namespace}/${name}`;

/** Kind, namespace and name. */
export const nameOf = ({ kind, metadata: { namespace, name } }: AnyResource): ResourceName => ({ kind, namespace, name });

/** Unique in a store, and the same in every version of a group. */
export const keyOf = (resource: AnyResource): string => {
  const slash = resource.apiVersion.indexOf('/');
  return `${slash < 0 ? '' : resource.apiVersion.slice(0, slash)} ${labelOf(nameOf(resource))}`;
};

/** The first of each, and a complaint about every other. */
export const firstOfEach = (resources: readonly AnyResource[]): { kept: ReadonlyMap<string, AnyResource>; problems: Problem[] } => {
  const kept = new Map<string, AnyResource>();
  const problems: Problem[] = [];
  for (const resource of resources) {
    const first = kept.get(keyOf(resource));
    if (first) problems.push(standsTwice(resource, first));
    else kept.set(keyOf(resource), resource);
  }
  return { kept, problems };
};

const standsTwice = (resource: AnyResource, first: AnyResource): Problem => ({
  severity: 'error',
  code: 'IST0106',
  resource: labelOf(nameOf(resource)),
  path: 'metadata.name',
  message: `the same resource stands in ${first.origin.file}:${first.origin.line} already`,
  file: resource.origin.file,
  ...resource.locate('metadata.name', false),
});

/** For what is to be deleted and is not there. */
export const notFound = (name: ResourceName): Problem => ({
  severity: 'error',
  code: '',
  resource: labelOf(name),
  path: '',
  message: 'not found',
  file: '',
  line: 1,
  column: 1,
});
