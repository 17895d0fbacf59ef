/** Who a client proved to be. Source: SPIFFE X.509-SVID §2 and §5: exactly one URI name. */
import { parseSpiffeId } from '#api/spiffe-id.ts';
import type { CertificateFacts } from '#system/tls/tls-facts.ts';

/** `spiffe://…` of a peer whose chain is verified. Undefined for a certificate that names several, none, or what is no workload's ID to the letter. */
export const peerIdentity = ({ uris }: CertificateFacts): string | undefined => {
  const [uri] = uris;
  return uri !== undefined && uris.length === 1 && parseSpiffeId(uri) ? uri : undefined;
};
