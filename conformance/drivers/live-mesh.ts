/**
 * A running mesh as a case sees it. Structural on purpose: the process mode, the simulation and a learner's own mesh all offer these few things;
 * everything else (clients, barriers, records) is made from them here.
 */
import type { Duplex } from 'node:stream';
import type { OpenAdsStream } from '#api/ads-stream.ts';
import type { Exchange } from '#api/exchange.ts';
import type { SyncStatus } from '#api/sync.ts';
import type { DataPlane, Driver } from '../define-case.ts';

/** Where a proxy listens. */
export interface ProxySeat {
  readonly name: string;
  readonly namespace: string;
  /** Loopback address that the workload owns. */
  readonly address: string;
}

/** The few things that a mesh must offer to be judged. */
export interface LiveMesh {
  readonly driver: Driver;
  readonly dataPlane: DataPlane;
  readonly workloads: readonly ProxySeat[];
  readonly gateways: readonly ProxySeat[];
  /** Opens a connection inside the mesh's network. */
  connect(address: string, port: number): Promise<Duplex>;
  /** Problems that refuse it, none when it was accepted; and the version that contains it. */
  applyYaml(yaml: string): Promise<{ readonly problems: readonly string[]; readonly version: number }>;
  deleteYaml(yaml: string): Promise<{ readonly version: number }>;
  sync(): Promise<SyncStatus>;
  /** Host name → virtual address. */
  vips(): Promise<Readonly<Record<string, string>>>;
  /** Body of an admin page of that proxy. */
  admin(workload: string, path: string): Promise<string>;
  readonly exchanges: { subscribe(listener: (exchange: Exchange) => void): () => void };
  readonly openAds: OpenAdsStream;
  readonly restartControlPlane?: (meanwhile: () => Promise<void>) => Promise<void>;
}
