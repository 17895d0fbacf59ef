/** What a PeerAuthentication must obey beyond its shape. Messages follow istioctl validate. */
import { checkPort, fail } from '../../checks.ts';
import type { Complaint } from '../../problem.ts';
import type { PeerAuthenticationSpec } from '../../security/peer-authentication.ts';
import { checkSelection } from './selection.ts';

/** Paths in the complaints start at `spec`. */
export const validatePeerAuthentication = (spec: PeerAuthenticationSpec): readonly Complaint[] => {
  const ports = Object.keys(spec.portLevelMtls ?? {});
  const complaints = [...checkSelection(spec), ...ports.flatMap(checkPortKey)];
  const selects = Object.keys(spec.selector?.matchLabels ?? {}).length > 0;
  return ports.length > 0 && !selects
    ? [...complaints, fail('spec.portLevelMtls', 'mesh/namespace peer authentication cannot have port level mTLS')]
    : complaints;
};

const checkPortKey = (port: string): Complaint[] => {
  const path = `spec.portLevelMtls.${port}`;
  return /^\d{1,10}$/.test(port) ? checkPort(Number(port), path) : [fail(path, `"${port.slice(0, 80)}" is not a port number`)];
};
