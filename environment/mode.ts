/** What a mode is: how a mesh is started, and what is known of it while it runs. */
import type { Duplex } from 'node:stream';
import type { OpenAdsStream } from '#api/ads-stream.ts';
import type { Exchange } from '#api/exchange.ts';
import type { SyncStatus } from '#api/sync.ts';
import type { AuthorityReport, RotationStep } from '#controlplane';
import type { Tls } from '#system/tls/tls.ts';
import type { MeshDefinition } from './definition.ts';

/** Where the parts of a mesh run: real processes on loopback, containers, or one process with a virtual clock. */
export type Mode = 'process' | 'compose' | 'simulation';

/** Who proxies. */
export type DataPlaneName = 'dinghy' | 'envoy';

/** Who configures. */
export type ControlPlaneName = 'dinghy' | 'istiod';

/** How to bring a mesh up. */
export interface EnvironmentOptions {
  readonly mode: Mode;
  readonly dataPlane: DataPlaneName;
  /** Ours when absent. A real istiod configures real Envoys, as processes only; certificates come from our authority in any case. */
  readonly controlPlane?: ControlPlaneName;
  /** Name of the run file; the definition's name when absent. */
  readonly name?: string;
  /** Seed of what is left to chance: the same seed gives the same picks, weights and back-offs in every world. The simulation has one in any case; Envoys have none. */
  readonly seed?: number;
  /** How long a workload's certificate lives, 60 at least; 24 h when absent. */
  readonly leafLifeSeconds?: number;
  /** Folder like istiod's `cacerts` whose root certifies the mesh; a root is made when absent. Of no effect in the simulation, which has no files. */
  readonly importAuthority?: string;
  /** For meshes that people look at: their time can be put forward, and their proxies record bytes when they are asked to. */
  readonly instruments?: 'clock and tap';
  /** Ends a start that is still under way, which then rejects with the reason. */
  readonly signal?: AbortSignal;
}

/** A proxy beside those of the mesh; it runs until it is disposed of, or the mesh ends. */
export interface LoneProxy extends AsyncDisposable {
  /** Loopback address that it owns. */
  readonly address: string;
  /** What it wrote to /dev/stdout, oldest first: its access log. */
  readonly lines: readonly string[];
}

/** bootstrapOf: its bootstrap as JSON, for the address that it gets. Settles once it is started, before it is ready. */
export type StartLone = (bootstrapOf: (address: string) => string) => Promise<LoneProxy>;

/** A program with its sidecar, running. */
export interface RunningWorkload {
  readonly name: string;
  readonly namespace: string;
  /** Loopback address that the workload owns; its sidecar listens there. */
  readonly address: string;
  readonly adminUrl: string;
  /** Where its program listens on 127.0.0.1; absent where that cannot be reached, as in containers, and for gateways. */
  readonly appPort?: number;
  /** Process of the sidecar; absent in the simulation. */
  readonly pid?: number;
}

/** An ingress gateway, running. */
export interface RunningGateway extends RunningWorkload {
  /** Where a client outside the mesh asks. */
  readonly url: string;
}

/** A running mesh; ends with `await using`. */
export interface Environment extends AsyncDisposable {
  readonly name: string;
  readonly mode: Mode;
  /** How it is driven: a mesh in containers as one of processes. */
  readonly driver: Exclude<Mode, 'compose'>;
  readonly dataPlane: DataPlaneName;
  readonly configuredBy: ControlPlaneName;
  /** Its HTTP API; the token is wanted by calls that change something. pid: of its process, where it is one that runs now. */
  readonly controlPlane: { readonly url: string; readonly token: string; readonly pid?: number };
  readonly workloads: readonly RunningWorkload[];
  readonly gateways: readonly RunningGateway[];
  readonly exchanges: { subscribe(listener: (exchange: Exchange) => void): () => void };
  readonly openAds: OpenAdsStream;
  /** Opens a connection inside the mesh's network. */
  connect(address: string, port: number): Promise<Duplex>;
  /** Problems that refuse it, none when it was accepted; and the version that contains it. */
  applyYaml(yaml: string): Promise<{ readonly problems: readonly string[]; readonly version: number }>;
  deleteYaml(yaml: string): Promise<{ readonly version: number }>;
  sync(): Promise<SyncStatus>;
  /** Settles when every connected proxy has acknowledged that version. */
  waitForVersion(version: number): Promise<void>;
  /** Host name to virtual address. */
  vips(): Promise<Readonly<Record<string, string>>>;
  /** Body of an admin page of that workload's or gateway's proxy. */
  admin(workload: string, path: string): Promise<string>;
  /** The authority: what it issued, and the change of its roots, which rejects with what it waits for. */
  readonly identity: {
    report(): Promise<AuthorityReport>;
    rotate(step: RotationStep): Promise<void>;
    /** Nobody is certified meanwhile; simulation only. */
    readonly suspend?: (meanwhile: () => Promise<void>) => Promise<void>;
  };
  /** Starts a proxy that no control plane configures; absent where the mesh's place has no room for one. */
  readonly startLone?: StartLone;
  /** Handshakes of this world, for who is outside; absent where they are those of every machine. */
  readonly tls?: Tls;
  /** The mesh's own idea of now, milliseconds since the epoch. */
  readonly wallTimeMs: () => number;
  /** Lets virtual time pass, and settles when nothing more can happen without time; simulation only. */
  readonly advance?: (ms: number) => Promise<void>;
  /**
   * Puts the clocks of every process forward by ms in one call; gives how far the mesh is ahead of the machine now. Absent where time is not
   * the machine's; rejects in words where the mesh has no `instruments`, and for Envoy.
   */
  readonly advanceClocks?: (ms: number) => Promise<number>;
  /** Ends the control plane and starts it again at the same addresses; absent where that cannot be done. */
  readonly restartControlPlane?: (meanwhile: () => Promise<void>) => Promise<void>;
}

/** Starts every part of a mesh of one mode. */
export type StartMode = (definition: MeshDefinition, options: EnvironmentOptions) => Promise<Environment>;
