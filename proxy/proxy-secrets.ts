/** Where one proxy's secrets come from: the bootstrap, files, SDS servers, its own identity. Those of the ADS stream are put by the proxy itself. */
import { ConfigError } from '#api/config-error.ts';
import type { Bootstrap, DiscoveryResponse, Node } from '#envoy';
import type { System } from '#system/system.ts';
import { trySecrets } from './arriving-secrets.ts';
import { CertificateClient, type IssueCertificate } from './tls/certificate-client.ts';
import { compileSecret, putSecret, trySecret } from './tls/compile-secret.ts';
import { type TlsRoom, tlsRoom } from './tls/live-context.ts';
import { type CertificateSecret, type SecretRef, SecretStore, secretKey, type TrustSecret } from './tls/secret-store.ts';
import { ResourceGate } from './xds/accept-response.ts';
import { AdsClient } from './xds/ads-client.ts';
import { streamAddress } from './xds/control-plane-address.ts';

/** Who a workload is, and who says so. */
export interface Identity {
  readonly spiffeId: string;
  /** At least 60. */
  readonly lifeSeconds: number;
  readonly issue: IssueCertificate;
}

/** What is given beside the bootstrap. */
export interface SecretOptions {
  readonly node: Node;
  readonly identity?: Identity | undefined;
}

/** A secret that listeners or clusters name. */
export interface UsedSecret {
  readonly ref: SecretRef;
  /** Undefined: it has not arrived. */
  readonly current: CertificateSecret | TrustSecret | undefined;
}

/** The static cluster of the local agent; a proxy that has its identity by itself does not dial it. */
export const AGENT_CLUSTER = 'sds-grpc';
/** Names as in Istio: a workload's own certificate, and the trust of its mesh. */
const OWN = 'default';
const ROOTS: SecretRef = { name: 'ROOTCA', source: { kind: 'ads' } };

/** LIVING STATE: the store, and whatever feeds it. */
export class ProxySecrets {
  readonly room: TlsRoom;
  readonly #bootstrap: Bootstrap;
  readonly #system: System;
  readonly #options: SecretOptions;
  readonly #wanted = new Map<string, SecretRef>();
  readonly #stops = new Map<string, () => void>();
  readonly #servers = new Map<string, Promise<AdsClient | undefined>>();
  #identity: CertificateClient | undefined;
  #closed = false;

  constructor(bootstrap: Bootstrap, system: System, options: SecretOptions) {
    this.#bootstrap = bootstrap;
    this.#system = system;
    this.#options = options;
    this.room = tlsRoom(system, new SecretStore());
  }

  get store(): SecretStore {
    return this.room.secrets;
  }

  /** The bootstrap's own, which has been checked. */
  loadStatic(): void {
    for (const secret of this.#bootstrap.staticResources?.secrets ?? [])
      putSecret(this.store, { name: secret.name, source: { kind: 'static' } }, compileSecret(secret));
  }

  /** Rejects with ConfigError when one of them does not work. */
  async tryStatic(): Promise<void> {
    for (const [index, secret] of (this.#bootstrap.staticResources?.secrets ?? []).entries())
      try {
        await trySecret(compileSecret(secret), this.#system.tls);
      } catch (cause) {
        throw new ConfigError(`static_resources.secrets[${index}]`, cause instanceof Error ? cause.message : String(cause), { cause });
      }
  }

  /** Exactly these are used from now on. */
  want(refs: ReadonlyMap<string, SecretRef>): void {
    if (this.#closed) return;
    const gone = [...this.#wanted].filter(([key]) => !refs.has(key));
    const fresh = [...refs].filter(([key]) => !this.#wanted.has(key));
    for (const [key, ref] of gone) {
      this.#wanted.delete(key);
      this.#stops.get(key)?.();
      this.#stops.delete(key);
      if (ref.source.kind !== 'static' && !this.#isOwn(ref)) this.#forget(ref);
    }
    for (const [key, ref] of fresh) {
      this.#wanted.set(key, ref);
      this.#follow(key, ref);
    }
    for (const cluster of new Set([...gone, ...fresh].flatMap(([, { source }]) => (source.kind === 'grpc' ? [source.cluster] : []))))
      this.#askServer(cluster);
  }

  /** Every secret that is used, as it is now. */
  get all(): readonly UsedSecret[] {
    return [...this.#wanted.values()].map((ref) => {
      const current = this.store.has(ref) ? (this.store.certificate(ref).current ?? this.store.trust(ref).current) : undefined;
      return { ref, current };
    });
  }

  close(): void {
    this.#closed = true;
    this.#identity?.close();
    for (const stop of this.#stops.values()) stop();
    for (const server of this.#servers.values()) void server.then((client) => client?.close());
  }

  #isOwn({ name, source }: SecretRef): boolean {
    return this.#options.identity !== undefined && name === OWN && source.kind === 'grpc' && source.cluster === AGENT_CLUSTER;
  }

  #forget(ref: SecretRef): void {
    this.store.putCertificate(ref, undefined);
    this.store.putTrust(ref, undefined);
  }

  #follow(key: string, ref: SecretRef): void {
    if (this.#isOwn(ref)) this.#startIdentity(ref);
    if (ref.source.kind !== 'files' && ref.source.kind !== 'path') return;
    let stopped = false;
    this.#stops.set(key, () => {
      stopped = true;
    });
    void import('./tls/file-source.ts').then(({ followFiles }) => {
      if (!stopped && !this.#closed) this.#stops.set(key, followFiles(ref, this.store, this.#system));
    });
  }

  #startIdentity(ref: SecretRef): void {
    const { identity } = this.#options;
    if (this.#identity || !identity) return;
    this.#identity = new CertificateClient({
      ...identity,
      system: this.#system,
      trustedRoots: () => this.store.trust(ROOTS).current?.trustedRoots,
      put: (secret) => this.store.putCertificate(ref, secret),
    });
    this.#identity.start();
  }

  #askServer(cluster: string): void {
    const names = new Set(
      [...this.#wanted.values()].flatMap((ref) =>
        ref.source.kind === 'grpc' && ref.source.cluster === cluster && !this.#isOwn(ref) ? [ref.name] : [],
      ),
    );
    const known = this.#servers.get(cluster);
    if (!known && names.size === 0) return;
    const server = known ?? this.#openServer(cluster);
    this.#servers.set(cluster, server);
    void server.then((client) => {
      if (!this.#closed) client?.want('sds', names);
    });
  }

  /** Loaded here, so that a proxy whose secrets come otherwise never loads HTTP/2 for them. */
  async #openServer(cluster: string): Promise<AdsClient | undefined> {
    try {
      const at = streamAddress(this.#bootstrap, cluster);
      const { grpcAdsStream } = await import('./xds/grpc-ads-stream.ts');
      const gate = new ResourceGate((kind, secret) => {
        if (kind === 'sds') compileSecret(secret as Parameters<typeof compileSecret>[0]);
      });
      const client = new AdsClient({
        open: grpcAdsStream(at, this.#system.clock, 'sds'),
        node: this.#options.node,
        system: this.#system,
        numbers: { kind: 'sds', name: cluster },
        take: (kind, response) => (kind === 'sds' ? this.#take(cluster, gate, response) : 'only secrets are asked for here'),
      });
      if (!this.#closed) client.start();
      return client;
    } catch (error) {
      this.#system.log.error('tls.secret-server-unusable', { cluster, reason: error instanceof Error ? error.message : String(error) });
      return undefined;
    }
  }

  async #take(cluster: string, gate: ResourceGate, response: DiscoveryResponse): Promise<string> {
    const accepted = gate.accept('sds', response.resources, new Map());
    const { working, errors } = await trySecrets(accepted.resources, this.#system.tls);
    for (const { secret, compiled } of working) {
      const ref: SecretRef = { name: secret.name, source: { kind: 'grpc', cluster } };
      if (this.#wanted.has(secretKey(ref))) putSecret(this.store, ref, compiled);
    }
    return [...accepted.errors, ...errors].join('\n');
  }
}
