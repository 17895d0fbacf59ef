/** What a Kubernetes Service must obey beyond its shape. */
import { checkPort, fail, notApplied, repeated } from '../checks.ts';
import type { Complaint } from '../problem.ts';
import type { ServiceSpec } from '../service.ts';

/** Paths in the complaints start at `spec`. */
export const validateService = ({ ports = [] }: ServiceSpec): readonly Complaint[] => {
  const complaints = ports.flatMap((port, index) => {
    const path = `spec.ports[${index}]`;
    return [
      ...checkPort(port.port, `${path}.port`),
      ...(port.port === undefined ? [fail(path, 'port is required')] : []),
      ...(ports.length > 1 && !port.name ? [fail(path, 'a port needs a name where there are several')] : []),
      ...checkTargetPort(port.targetPort, `${path}.targetPort`),
    ];
  });
  for (const name of repeated(ports.map(({ name }) => name ?? '').filter((name) => name !== '')))
    complaints.push(fail('spec.ports', `duplicate port name ${name}`));
  return complaints;
};

/** A number, or the name of a container's port, of which this mesh knows none. */
const checkTargetPort = (target: unknown, path: string): Complaint[] => {
  if (target === undefined) return [];
  if (typeof target === 'number' || (typeof target === 'string' && /^\d+$/.test(target))) {
    return Number.isInteger(Number(target)) ? checkPort(Number(target), path) : [fail(path, `${target} is not a port`)];
  }
  return typeof target === 'string' ? [notApplied(path)] : [fail(path, 'must be a port number or the name of one')];
};
