/** Certificates, keys and trust as they are now, by name and origin: living state that handshakes follow, whatever the source. Keys never leave it but into a TLS context. */
import type { CertificateFacts } from '#system/tls/tls-facts.ts';

/** Where a secret comes from. */
export type SecretSource =
  | { readonly kind: 'ads' }
  /** The bootstrap's own secrets. */
  | { readonly kind: 'static' }
  /** SDS from a static cluster of the bootstrap. */
  | { readonly kind: 'grpc'; readonly cluster: string }
  /** A file that holds a DiscoveryResponse of secrets. watched: the directory whose change says that it was replaced. */
  | { readonly kind: 'path'; readonly path: string; readonly watched: string }
  /** PEM files. */
  | {
      readonly kind: 'files';
      readonly certificateChain?: string;
      readonly privateKey?: string;
      readonly trustedRoots?: string;
      /** Empty: read once. */
      readonly watched: string;
    };

/** A secret, before it has arrived. */
export interface SecretRef {
  readonly name: string;
  readonly source: SecretSource;
}

/** Who this end is. PEM. */
export interface CertificateSecret {
  /** Leaf first. */
  readonly certificateChain: string;
  readonly privateKey: string;
}

/** Judges one thing about a peer whose chain is verified. */
export type PeerTest = (peer: CertificateFacts) => boolean;

/** Whom this end believes. */
export interface TrustSecret {
  /** PEM. */
  readonly trustedRoots: string;
  /** One of them must hold; empty: any name. */
  readonly names: readonly PeerTest[];
  /** One of them must hold; empty: any certificate. */
  readonly certificates: readonly PeerTest[];
}

/** One secret as it is now. */
export interface LiveSecret<T> {
  readonly name: string;
  /** Undefined: it has not arrived, or it was withdrawn: whoever needs it refuses. */
  readonly current: T | undefined;
  /** Called at every change, with the new one in place; returns how to stop. */
  onChange(listener: () => void): () => void;
}

/** A secret that never changes, e.g. one that stands in the configuration itself. */
export const fixedSecret = <T>(name: string, current: T): LiveSecret<T> => ({ name, current, onChange: () => () => {} });

/** Equal for two references to the same secret. */
export const secretKey = ({ name, source }: SecretRef): string => JSON.stringify([name, ...Object.entries(source).flat()]);

class Slot<T> implements LiveSecret<T> {
  readonly name: string;
  current: T | undefined;
  readonly #listeners = new Set<() => void>();

  constructor(name: string) {
    this.name = name;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  put(value: T | undefined): boolean {
    if (value === this.current) return false;
    this.current = value;
    for (const listener of [...this.#listeners]) listener();
    return true;
  }
}

/** The last good secret stays until the next good one, or until it is withdrawn. */
export class SecretStore {
  readonly #certificates = new Map<string, Slot<CertificateSecret>>();
  readonly #trust = new Map<string, Slot<TrustSecret>>();
  readonly #listeners = new Set<() => void>();

  /** The same object for the same reference, always. */
  certificate(ref: SecretRef): LiveSecret<CertificateSecret> {
    return slotOf(this.#certificates, ref);
  }

  /** As `certificate`. */
  trust(ref: SecretRef): LiveSecret<TrustSecret> {
    return slotOf(this.#trust, ref);
  }

  /** Undefined withdraws it. */
  putCertificate(ref: SecretRef, secret: CertificateSecret | undefined): void {
    if (slotOf(this.#certificates, ref).put(secret)) this.#announce();
  }

  /** As `putCertificate`. */
  putTrust(ref: SecretRef, secret: TrustSecret | undefined): void {
    if (slotOf(this.#trust, ref).put(secret)) this.#announce();
  }

  /** Whether it has arrived, as whichever kind of secret. */
  has(ref: SecretRef): boolean {
    const key = secretKey(ref);
    return this.#certificates.get(key)?.current !== undefined || this.#trust.get(key)?.current !== undefined;
  }

  /** Called after any change of any secret; returns how to stop. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #announce(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

const slotOf = <T>(slots: Map<string, Slot<T>>, ref: SecretRef): Slot<T> => {
  const key = secretKey(ref);
  const known = slots.get(key) ?? new Slot<T>(ref.name);
  slots.set(key, known);
  return known;
};
