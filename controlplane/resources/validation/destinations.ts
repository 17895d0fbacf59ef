/** What a rule's destinations must obey, whatever its protocol. */
import { checkPort, fail, hostFault, isDnsLabel } from '../checks.ts';
import type { Complaint } from '../problem.ts';
import type { Destination } from '../virtual-service.ts';

/** What every weighted destination has. */
export interface Weighted {
  readonly destination?: Destination;
  readonly weight?: number;
}

/** The weighted destinations of one rule; path is the rule's. */
export const checkWeights = (routes: readonly Weighted[], path: string): Complaint[] => {
  const complaints = routes.flatMap(({ destination, weight = 0 }, index) => {
    const at = `${path}.route[${index}]`;
    const own = destination ? checkDestination(destination, `${at}.destination`) : [fail(at, 'destination is required')];
    return weight < 0 ? [...own, fail(`${at}.weight`, `weight ${weight} < 0`)] : own;
  });
  const total = routes.reduce((sum, { weight = 0 }) => sum + Math.max(0, weight), 0);
  if (routes.length > 1 && total === 0) complaints.push(fail(`${path}.route`, 'total destination weight = 0'));
  if (total > 4_294_967_295) complaints.push(fail(`${path}.route`, `total destination weight ${total} is larger than 4294967295`));
  return complaints;
};

/** Where a share of the traffic, or a copy of it, goes. */
export const checkDestination = (destination: Destination, path: string): Complaint[] => {
  const complaints = checkPort(destination.port?.number, `${path}.port.number`);
  const fault = hostFault(destination.host ?? '');
  if (destination.host === undefined) complaints.push(fail(path, 'destination.host is required'));
  else if (fault !== undefined) complaints.push(fail(`${path}.host`, fault));
  if (destination.subset !== undefined && !isDnsLabel(destination.subset))
    complaints.push(fail(`${path}.subset`, `subset name is invalid: "${destination.subset.slice(0, 80)}" is not a DNS label`));
  return complaints;
};
