/** What an authority is asked to sign and what it answers, whichever world it lives in. */
import type { SpiffeId } from '#api/spiffe-id.ts';

/** A request whose sender is known already. */
export interface SigningOrder {
  /** PKCS #10, PEM; hostile. */
  readonly csr: string;
  /** Who the sender proved to be. */
  readonly identity: SpiffeId;
  /** A wish; it is cut to what the authority gives. */
  readonly lifeSeconds: number;
  readonly nowMs: number;
}

/** A certificate that was made. */
export interface Issued {
  /** PEM, one certificate each: the leaf, what signed it, and last the root. */
  readonly chain: readonly string[];
  /** Lower-case hexadecimal. */
  readonly serial: string;
  readonly notAfterMs: number;
}

/** One root and what signs in its name. */
export interface Signer {
  /** PEM. */
  readonly root: string;
  readonly notAfterMs: number;
  /** Rejects with RequestRefused. */
  sign(order: SigningOrder): Promise<Issued>;
}

/** A request that is not signed, and why in one sentence. */
export class RequestRefused extends Error {
  override readonly name = 'RequestRefused';
  readonly reason: 'malformed' | 'another identity' | 'unauthenticated';

  constructor(reason: RequestRefused['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

const SHORTEST_S = 60;
const LONGEST_S = 24 * 3_600;

/** From 60 s to 24 h; 24 h for 0 and for what is no number. */
export const lifeMsOf = (seconds: number): number =>
  1_000 * (seconds > 0 ? Math.min(LONGEST_S, Math.max(SHORTEST_S, Math.floor(seconds))) : LONGEST_S);
