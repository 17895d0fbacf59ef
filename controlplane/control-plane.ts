/** Composition root and front door: what people configure and what runs → a mesh → every proxy's resources, kept up to date. */
import { randomBytes } from 'node:crypto';
import type { OpenAdsStream } from '#api/ads-stream.ts';
import type { ApplyResult, ResourceName } from '#api/resource.ts';
import type { SyncStatus } from '#api/sync.ts';
import type { SocketAddress } from '#system/network.ts';
import type { System } from '#system/system.ts';
import { analyze, analyzeCertified } from './analysis/analyze.ts';
import { type AuthorityConfig, type IdentityControl, identityControl, type MeshAuthority, openMeshAuthority } from './ca/mesh-authority.ts';
import { rootSecret } from './ca/root-secret.ts';
import { issuerKeys, wantedKeySets } from './issuer-keys.ts';
import type { KeySets } from './jwks/key-sets.ts';
import { buildMesh } from './mesh/build-mesh.ts';
import { DEFAULT_MESH_CONFIG, type Mesh, type MeshConfig, vipsOf } from './mesh/mesh.ts';
import { WorkloadRegistry } from './registry/workload-registry.ts';
import { keepState } from './state-file.ts';
import { ConfigStore } from './store/config-store.ts';
import { watchYamlDirectory } from './store/yaml-directory.ts';
import type { ProxyNode } from './translate/proxy-node.ts';
import { translate } from './translate/translate.ts';
import { AdsServer } from './xds/ads-server.ts';
import { inProcessAds } from './xds/in-process-ads.ts';
import { DEFAULT_PUSH_DELAYS, PushQueue } from './xds/push-queue.ts';
import { buildXdsSnapshot } from './xds/snapshot.ts';

export type { AuthorityReport } from './ca/certificate-authority.ts';
export type { AuthorityConfig, IdentityControl } from './ca/mesh-authority.ts';
export type { RotationStep } from './ca/trust-bundle.ts';
export { type SidecarBootstrapOptions, type SidecarNode, sidecarBootstrap } from './injection/sidecar-bootstrap.ts';
export { DEFAULT_MESH_CONFIG, type Mesh, type MeshConfig } from './mesh/mesh.ts';
export { type ProxyNode, readProxyNode } from './translate/proxy-node.ts';
export { translate } from './translate/translate.ts';
export type { TranslatedResources } from './translate/translated-resources.ts';

/** A workload outlives its last stream by this unless told otherwise: longer than a proxy's first tries to come back. */
const WORKLOAD_GRACE_MS = 2_000;

/** How to run a control plane. */
export interface ControlPlaneOptions {
  /** A folder of YAML files that is watched. */
  readonly configDirectory?: string;
  /** Where what was applied over HTTP and who runs is kept, so that a restart loses neither; without it they are in memory only. */
  readonly stateFile?: string;
  /** Where the HTTP API listens; without it there is none. Loopback only. */
  readonly httpAddress?: SocketAddress;
  /** Where proxies connect by gRPC; without it only `openAds` serves them. */
  readonly xdsAddress?: SocketAddress;
  /** What HTTP calls that change something must carry; a random one when absent. */
  readonly token?: string;
  readonly meshConfig?: Partial<MeshConfig>;
  /** Who certifies workloads; absent: nobody does. */
  readonly authority?: AuthorityConfig;
  /** Quiet time before a push; Istio's 100 ms when absent. */
  readonly debounceMs?: number;
  /** How long a workload is kept after its proxy's stream ended; 2 s when absent. */
  readonly workloadGraceMs?: number;
  /** Absent: the clock is the machine's. Gives how far it is ahead afterwards, milliseconds. */
  readonly shiftClock?: (ms: number) => number;
}

/** A control plane that runs. */
export interface ControlPlane extends AsyncDisposable {
  readonly httpAddress?: SocketAddress;
  readonly xdsAddress?: SocketAddress;
  /** Where proxies ask for certificates. */
  readonly caAddress?: SocketAddress;
  /** Absent without an authority. */
  readonly identity?: IdentityControl;
  readonly token: string;
  /** Serves proxies of this process. */
  readonly openAds: OpenAdsStream;
  /** The mesh in force. */
  readonly mesh: Mesh;
  /** files: name → YAML. All or nothing. */
  apply(files: Readonly<Record<string, string>>, options?: { readonly dryRun?: boolean }): ApplyResult;
  remove(names: readonly ResourceName[]): ApplyResult;
  /** Deletes what these documents name, whatever else they say. */
  removeFiles(files: Readonly<Record<string, string>>): ApplyResult;
  sync(): SyncStatus;
  /** Host name → virtual address. */
  vips(): Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** Starts a control plane; settles when it listens. Rejects when the folder cannot be read or an address cannot be bound. */
export const startControlPlane = async (options: ControlPlaneOptions, system: System): Promise<ControlPlane> => {
  const token = options.token ?? randomBytes(24).toString('base64url');
  const config = { ...DEFAULT_MESH_CONFIG, ...options.meshConfig };
  const identity = options.authority && (await openMeshAuthority(options.authority, config.trustDomain, system));
  const parts = assemble(options, config, system, identity);
  const { store, registry, ads, queue, mesh } = parts;
  const inProcess = inProcessAds(ads);
  const closers: (() => unknown)[] = [() => queue.close(), () => ads.close(), () => inProcess.close(), () => parts.keys[Symbol.dispose]()];
  const close = async (): Promise<void> => {
    for (const end of closers.splice(0).reverse()) await end();
  };
  try {
    if (options.configDirectory !== undefined) {
      const watching = new AbortController();
      closers.push(() => watching.abort());
      watchYamlDirectory(options.configDirectory, { store, clock: system.clock, log: system.log, signal: watching.signal });
    }
    if (options.stateFile !== undefined && keepState(options.stateFile, { store, registry, log: system.log })) ads.endSettling();
    const addresses = await listen(options, { ...parts, token, closers });
    parts.listening.push(...Object.values(addresses));
    system.log.info('controlplane.started', { ...addresses, version: store.version });
    return {
      ...addresses,
      ...(identity && { identity: identityControl(identity, () => behind(ads)) }),
      token,
      openAds: inProcess.open,
      get mesh() {
        return mesh();
      },
      apply: (files, how) => store.apply(files, how),
      remove: (names) => store.remove(names),
      removeFiles: (files) => store.removeFiles(files),
      sync: () => ads.sync(),
      vips: () => vipsOf(mesh()),
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
};

interface Parts {
  readonly store: ConfigStore;
  readonly registry: WorkloadRegistry;
  readonly ads: AdsServer;
  readonly queue: PushQueue;
  readonly mesh: () => Mesh;
  readonly keys: KeySets;
  /** Where this control plane listens: what is asked for, and what it got once it is there. */
  readonly listening: SocketAddress[];
  readonly snapshotFor: (proxy: ProxyNode) => ReturnType<typeof buildXdsSnapshot>;
  readonly identity: MeshAuthority | undefined;
}

/** Workloads whose proxies have not acknowledged what is in force. */
const behind = (ads: AdsServer): string[] => {
  const { version, proxies } = ads.sync();
  return proxies.filter((proxy) => proxy.version < version).map(({ workload }) => workload);
};

/** Whatever else is configured meanwhile: the certificates that run say this, and nobody would believe another. */
const certifiedIn = (trustDomain: string | undefined, mesh: Mesh): Mesh =>
  trustDomain === undefined || trustDomain === mesh.config.trustDomain ? mesh : { ...mesh, config: { ...mesh.config, trustDomain } };

const assemble = (options: ControlPlaneOptions, config: MeshConfig, system: System, identity: MeshAuthority | undefined): Parts => {
  const store = new ConfigStore(system.clock, identity ? analyzeCertified(identity.trustDomain) : analyze);
  const registry = new WorkloadRegistry(system.clock, options.workloadGraceMs ?? WORKLOAD_GRACE_MS);
  let built: Mesh | undefined;
  const mesh = (): Mesh => {
    built ??= certifiedIn(identity?.trustDomain, buildMesh(store.view(), registry.list(), config, keys.current()));
    return built;
  };
  const snapshotFor = (proxy: ProxyNode) => {
    const resources = translate(mesh(), proxy);
    if (!identity) return buildXdsSnapshot(resources);
    return buildXdsSnapshot({ ...resources, secrets: [rootSecret(identity.authority.roots), ...(resources.secrets ?? [])] });
  };
  const ads: AdsServer = new AdsServer({
    system,
    snapshotFor,
    version: () => mesh().version,
    announce: (proxy) => registry.connect(proxy),
    pushPending: () => queue.pending,
  });
  const delays = { ...DEFAULT_PUSH_DELAYS, ...(options.debounceMs !== undefined && { quietMs: options.debounceMs }) };
  const queue: PushQueue = new PushQueue(system.clock, () => ads.push(), delays);
  const changed = (): void => {
    built = undefined;
    queue.request();
  };
  const listening = [options.httpAddress, options.xdsAddress].filter((address) => address !== undefined);
  const keys: KeySets = issuerKeys({ mesh, own: () => listening, changed }, system);
  store.onChange(() => {
    built = undefined;
    keys.want(wantedKeySets(store.view().of('RequestAuthentication')));
    changed();
  });
  registry.onChange(changed);
  identity?.authority.onChange(() => queue.request());
  return { store, registry, ads, queue, mesh, keys, listening, snapshotFor, identity };
};

type Listening = Parts & { readonly token: string; readonly closers: (() => unknown)[] };

/** What listens is imported only when it is wanted: the simulation needs neither gRPC nor HTTP. */
const listen = async (
  { httpAddress, xdsAddress, shiftClock }: ControlPlaneOptions,
  { closers, identity, ...parts }: Listening,
): Promise<Pick<ControlPlane, 'httpAddress' | 'xdsAddress' | 'caAddress'>> => {
  const bound: { httpAddress?: SocketAddress; xdsAddress?: SocketAddress; caAddress?: SocketAddress } = {};
  const signing = await identity?.listen();
  if (signing) {
    closers.push(() => signing.close());
    bound.caAddress = signing.address;
  }
  if (xdsAddress) {
    const { listenForAds } = await import('./xds/grpc-ads-server.ts');
    const server = await listenForAds(parts.ads, xdsAddress);
    closers.push(() => server.close());
    bound.xdsAddress = server.address;
  }
  if (httpAddress) {
    const { listenForHttp } = await import('./http-api.ts');
    const server = await listenForHttp(
      { ...parts, ...(shiftClock && { shiftClock }), ...(identity && { identity: { ...identity, behind: () => behind(parts.ads) } }) },
      httpAddress,
    );
    closers.push(() => server.close());
    bound.httpAddress = server.address;
  }
  return bound;
};
