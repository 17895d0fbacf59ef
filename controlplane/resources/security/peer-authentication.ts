/** PeerAuthentication: whether a workload's clients must show who they are. Source: istio.io/api security/v1 peer_authentication.proto. */
import { mapOf, object, oneOf } from '../shape.ts';
import { SELECTION } from './selection.ts';

const mutualTls = object({ mode: oneOf('UNSET', 'DISABLE', 'PERMISSIVE', 'STRICT') });

/** The fields that a PeerAuthentication's spec may have. */
export const peerAuthenticationShape = object({
  selector: SELECTION.selector,
  mtls: mutualTls,
  /** By the workload's port. */
  portLevelMtls: mapOf(mutualTls),
});

/** A PeerAuthentication as people write it. */
export type PeerAuthenticationSpec = ReturnType<typeof peerAuthenticationShape.typeOf>;
