/** What the site reads of a running mesh. Structural on purpose: every environment mode offers it, and so does a test's own small mesh. */
import type { Duplex } from 'node:stream';
import type { OpenAdsStream } from '#api/ads-stream.ts';
import type { Exchange } from '#api/exchange.ts';

/** A program with its sidecar, as the site needs it. */
export interface LiveWorkload {
  readonly name: string;
  readonly namespace: string;
  /** Address that the workload's sidecar owns. */
  readonly address: string;
  readonly adminUrl: string;
  /** Where its program listens on 127.0.0.1; absent where it cannot be reached past the sidecar. */
  readonly appPort?: number;
}

/** A running mesh: the part of an Environment that the site uses. */
export interface LiveMesh {
  readonly name: string;
  readonly mode: string;
  readonly dataPlane: string;
  readonly controlPlane: { readonly url: string; readonly token: string };
  readonly gateways: readonly { readonly name: string; readonly url: string; readonly address?: string; readonly adminUrl?: string }[];
  readonly workloads: readonly LiveWorkload[];
  /** Opens a connection inside the mesh's network; real sockets when absent. */
  connect?(address: string, port: number): Promise<Duplex>;
  /** A stream to the control plane, for the cases that speak xDS themselves. */
  readonly openAds?: OpenAdsStream;
  /** The mesh's own idea of now; the machine's when absent. */
  readonly wallTimeMs?: () => number;
  /** Puts the mesh's time forward; gives how far it is ahead. Rejects in words where that cannot be done. */
  readonly advanceClocks?: (ms: number) => Promise<number>;
  readonly exchanges: { subscribe(listener: (exchange: Exchange) => void): () => void };
}
