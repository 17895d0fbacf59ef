/** What a tap at both sidecars heard of one request. */

/** Bytes that went one way over one connection. */
export interface WireBytes {
  /** The first of them, base64. */
  readonly kept: string;
  readonly total: number;
}

/** Certificate of a workload, as its own proxy shows it. */
export interface ShownCertificate {
  readonly workload: string;
  readonly spiffeId: string;
  readonly serial: string;
  /** ISO 8601. */
  readonly validFrom: string;
  readonly expiresAt: string;
  /** Of its life, 0…1, by the mesh's own clock. */
  readonly left: number;
}

/** One request on its way from program to program: three connections. */
export interface WireCapture {
  readonly caller: string;
  readonly callee: string;
  /** From the caller's program to its sidecar. In process mode it begins with the note of the capture, where the program wanted to go. */
  readonly asked: WireBytes;
  /** Between the sidecars, as the caller's wrote and read it. */
  readonly sent: WireBytes;
  readonly received: WireBytes;
  /** Both ends of the connection between the sidecars, `address:port`. */
  readonly ends: readonly [string, string];
  /** True when the callee's sidecar read exactly the bytes that the caller's wrote. */
  readonly isSameAtCallee: boolean;
  /** From the callee's sidecar to its program. */
  readonly delivered: WireBytes;
}

/** What is known of a request that was sent to be looked at. */
export interface WireStory {
  /** Absent when nothing could be recorded. */
  readonly capture?: WireCapture;
  /** Why nothing was recorded; empty otherwise. */
  readonly missing: string;
  /** Who the callee's sidecar says has called; empty for nobody that it knows. */
  readonly callerProved: string;
  /** Who the caller's sidecar says has answered. */
  readonly calleeProved: string;
  /** `TLSv1.3`; empty on plain text. */
  readonly tls: string;
  /** Where the callee's sidecar saw the call come from, `address:port`. */
  readonly calledFrom: string;
  readonly certificates: readonly ShownCertificate[];
}

/** base64 → bytes, in a page and in Node. */
export const bytesOf = ({ kept }: Pick<WireBytes, 'kept'>): Uint8Array => Uint8Array.from(atob(kept), (char) => char.charCodeAt(0));
