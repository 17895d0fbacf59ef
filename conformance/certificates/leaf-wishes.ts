/** What a case may want of a certificate, in either world. */

/** PEM texts of one end. */
export interface KeyPair {
  /** Leaf first. */
  readonly certificateChain: string;
  readonly privateKey: string;
}

/** What a certificate says; a good workload's where nothing is said. */
export interface LeafWishes {
  readonly uris?: readonly string[];
  readonly dnsNames?: readonly string[];
  /** Days from now; negative: in the past. */
  readonly fromDays?: number;
  readonly untilDays?: number;
  readonly usages?: 'both' | 'server' | 'client';
  /** Distinguished name; empty for workloads. */
  readonly subject?: string;
  /** Not the root signs, but a workload's certificate that the root signed. */
  readonly signedByLeaf?: true;
}

/** Signs whatever it is asked for. */
export interface Certifier {
  issue(wishes: LeafWishes): Promise<KeyPair>;
}
