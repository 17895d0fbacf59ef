/** Name, namespace, labels and annotations of a document. Source: Kubernetes ObjectMeta. */
import { isDnsLabel } from './checks.ts';
import type { Metadata } from './resource.ts';
import { anything, type Complain, mapOf, object, str } from './shape.ts';

/** The fields of ObjectMeta; only the first four mean something here. */
const metadataShape = object({
  name: str,
  namespace: str,
  labels: mapOf(str),
  annotations: mapOf(str),
  generateName: str,
  creationTimestamp: anything,
  deletionTimestamp: anything,
  deletionGracePeriodSeconds: anything,
  finalizers: anything,
  generation: anything,
  managedFields: anything,
  ownerReferences: anything,
  resourceVersion: str,
  selfLink: str,
  uid: str,
});

/** A DNS-1123 subdomain: labels of at most 63 characters, joined by dots. */
const isName = (name: string): boolean => name.length <= 253 && name.split('.').every(isDnsLabel);

/** Undefined when there is no usable name. */
export const readMetadata = (value: unknown, complain: Complain): Metadata | undefined => {
  if (value === undefined || value === null) {
    complain('metadata', 'metadata with a name is required');
    return undefined;
  }
  const read = metadataShape.read(value, 'metadata', complain);
  if (read === undefined) return undefined;
  const { name, namespace = 'default', labels = {}, annotations = {} } = read;
  if (name === undefined || name === '') complain('metadata.name', 'name is required');
  else if (!isName(name))
    complain(
      'metadata.name',
      `"${name.slice(0, 80)}" is not a valid name: lower-case letters, digits, "-" and ".", beginning and ending with a letter or digit`,
    );
  if (!isDnsLabel(namespace))
    complain('metadata.namespace', `"${namespace.slice(0, 80)}" is not a valid namespace: lower-case letters, digits and "-"`);
  return name === undefined || name === '' ? undefined : { name, namespace, labels, annotations };
};
