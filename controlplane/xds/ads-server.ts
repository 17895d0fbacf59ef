/** Accepts aggregated streams whatever carries them, finds out who asks, and keeps a session for each. */
import { kindOf } from '#api/kinds.ts';
import type { SyncStatus } from '#api/sync.ts';
import type { DiscoveryRequest, DiscoveryResponse } from '#envoy';
import type { System } from '#system/system.ts';
import { type ProxyNode, readProxyNode } from '../translate/proxy-node.ts';
import { Session } from './session.ts';
import { Settling } from './settling.ts';
import type { XdsSnapshot } from './snapshot.ts';
import { type ConnectedProxy, syncStatus } from './sync-status.ts';

/** What a stream's transport can do. `refuse` ends the stream: the peer broke the rules, in one sentence. */
export interface AdsPeer {
  send(response: DiscoveryResponse): void;
  refuse(reason: string): void;
}

/** The server's end of a stream. */
export interface AdsConnection {
  receive(request: DiscoveryRequest): void;
  /** The stream is over, whoever ended it. */
  closed(): void;
}

/** What the server needs to know of the mesh. */
export interface AdsServerOptions {
  readonly system: Pick<System, 'clock' | 'log' | 'metrics'>;
  /** Translated for that proxy from the mesh in force. */
  readonly snapshotFor: (proxy: ProxyNode) => XdsSnapshot;
  /** Version of the mesh in force. */
  readonly version: () => number;
  /** Announces a proxy's workload; what it returns takes that back. */
  readonly announce: (proxy: ProxyNode) => () => void;
  /** True while a change waits to be pushed. */
  readonly pushPending: () => boolean;
}

/** A proxy asks once for each kind before its first answer, and again when its wishes change. */
const MAX_HELD_REQUESTS = 64;

/** More kinds that nobody speaks are not told of. */
const MAX_STRANGERS = 8;

interface Connected extends ConnectedProxy {
  readonly peer: AdsPeer;
  readonly leave: () => void;
  /** Kinds that it asked for and nobody here speaks. */
  readonly strangers: Set<string>;
}

/** Every connected proxy. */
export class AdsServer {
  readonly #options: AdsServerOptions;
  readonly #connected = new Set<Connected>();
  readonly #count;
  readonly #settling: Settling;
  readonly #pushes;
  readonly #refusals;

  constructor(options: AdsServerOptions) {
    this.#options = options;
    this.#settling = new Settling(options.system.clock);
    const scope = options.system.metrics.scope('xds');
    this.#count = scope.gauge('connected_proxies');
    this.#pushes = scope.counter('responses_sent');
    this.#refusals = scope.counter('responses_refused');
  }

  /** A new stream. Its first request must carry a node id that injection could have written. */
  accept(peer: AdsPeer): AdsConnection {
    let connected: Connected | undefined;
    let held: DiscoveryRequest[] | undefined;
    let over = false;
    const release = (): void => {
      const requests = held ?? [];
      held = undefined;
      for (const request of requests) if (connected && !over) this.#receive(connected, request);
    };
    const open = (request: DiscoveryRequest): void => {
      connected = this.#identify(request, peer);
      over = connected === undefined;
      held = [request];
      // A proxy that has no configuration yet loses nothing by an early answer.
      if (request.versionInfo === '') release();
      else this.#settling.whenOver(release);
    };
    return {
      receive: (request) => {
        if (over) return;
        if (!connected) open(request);
        else if (!held) this.#receive(connected, request);
        else if (held.length < MAX_HELD_REQUESTS) held.push(request);
        else peer.refuse('too many requests before the first answer');
      },
      closed: () => {
        over = true;
        if (connected) this.#drop(connected);
      },
    };
  }

  /** Brings every connected proxy to the mesh in force. One that cannot be translated for keeps what it has, and holds up nobody else. */
  push(): void {
    for (const connected of this.#connected) {
      const snapshot = this.#translate(connected.proxy);
      if (snapshot) this.#send(connected, connected.session.update(snapshot, this.#options.version()));
    }
  }

  /** It is known who runs: nobody who comes back has to wait for the others. */
  endSettling(): void {
    this.#settling.end();
  }

  /** Answers nobody any more who still waits. Open streams are their transport's to end. */
  close(): void {
    this.#settling.close();
  }

  sync(): SyncStatus {
    return syncStatus({ version: this.#options.version(), pushPending: this.#options.pushPending() }, this.#connected);
  }

  /** Proxies with an open stream. */
  get proxies(): readonly ProxyNode[] {
    return [...this.#connected].map(({ proxy }) => proxy);
  }

  #identify({ node }: DiscoveryRequest, peer: AdsPeer): Connected | undefined {
    const proxy = node && readProxyNode(node);
    if (!proxy) {
      this.#options.system.log.warn('xds.node-refused', { node: node?.id.slice(0, 256) ?? '' });
      peer.refuse('the first request must carry a node whose id is TYPE~IP~WORKLOAD.NAMESPACE~DOMAIN');
      return undefined;
    }
    const { version, announce, system } = this.#options;
    // Announced first, so that the mesh it is given has its own workload too.
    const leave = announce(proxy);
    const snapshot = this.#translate(proxy);
    if (!snapshot) {
      leave();
      peer.refuse('there is no configuration for this node: see the log of the control plane');
      return undefined;
    }
    const session = new Session(snapshot, version());
    const connected = { proxy, session, peer, leave, connectedAtMs: system.clock.wallTimeMs(), strangers: new Set<string>() };
    this.#connected.add(connected);
    this.#count.value = this.#connected.size;
    system.log.info('xds.proxy-connected', { node: proxy.id });
    return connected;
  }

  /** Undefined when translation fails, which is a mistake of ours: it must not end the process that all proxies depend on. */
  #translate(proxy: ProxyNode): XdsSnapshot | undefined {
    try {
      return this.#options.snapshotFor(proxy);
    } catch (error) {
      this.#options.system.log.error('xds.translation-failed', {
        node: proxy.id,
        reason: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
      return undefined;
    }
  }

  #receive(connected: Connected, request: DiscoveryRequest): void {
    if (kindOf(request.typeUrl) === undefined) {
      this.#receiveStranger(connected, request.typeUrl);
      return;
    }
    if (request.errorDetail) {
      this.#refusals.value++;
      const { typeUrl, errorDetail } = request;
      this.#options.system.log.warn('xds.response-refused', {
        node: connected.proxy.id,
        typeUrl,
        reason: errorDetail.message.slice(0, 1024),
      });
    }
    this.#send(connected, connected.session.receive(request));
  }

  /** Kinds that nobody here speaks are not answered; those of a dead protocol would be waited for in vain. */
  #receiveStranger({ peer, proxy, strangers }: Connected, wanted: string): void {
    const typeUrl = wanted.slice(0, 256);
    if (wanted.startsWith('type.googleapis.com/envoy.api.v2.'))
      peer.refuse(`${typeUrl} is xDS v2; this control plane speaks v3: set resource_api_version and transport_api_version to V3`);
    if (strangers.has(typeUrl) || strangers.size >= MAX_STRANGERS) return;
    strangers.add(typeUrl);
    this.#options.system.log.warn('xds.kind-unknown', { node: proxy.id, typeUrl });
  }

  #send({ peer }: Connected, responses: readonly DiscoveryResponse[]): void {
    this.#pushes.value += responses.length;
    for (const response of responses) peer.send(response);
  }

  #drop(connected: Connected): void {
    if (!this.#connected.delete(connected)) return;
    this.#count.value = this.#connected.size;
    connected.leave();
    this.#options.system.log.info('xds.proxy-gone', { node: connected.proxy.id });
  }
}
