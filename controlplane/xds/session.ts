/**
 * One proxy's aggregated stream, without its transport: requests and new snapshots go in, responses to send come out.
 * Make before break: clusters, endpoints and secrets first; listeners and routes when clusters and endpoints are acknowledged (Envoy keeps its
 * CDS ACK back until its clusters are warm, so that what they wait for must not wait for it); clusters that are gone leave last, when nothing that may name them is on its way or refused.
 * Source: xDS protocol, "ACK/NACK and resource versioning" and "Eventual consistency considerations".
 */
import { KINDS, type Kind, kindOf, TYPE_URLS } from '#api/kinds.ts';
import type { ProxySync } from '#api/sync.ts';
import { type DiscoveryRequest, DiscoveryResponse } from '#envoy';
import {
  addsTo,
  type Channel,
  type Content,
  channelSync,
  isWhole,
  lacks,
  newChannel,
  readNames,
  replacesIn,
  takeAnswer,
  takeNames,
  wanted,
} from './channel.ts';
import type { XdsSnapshot } from './snapshot.ts';

/** Lives as long as its stream. Its snapshot is replaced as a whole. */
export class Session {
  readonly #channels: Readonly<Record<Kind, Channel>> = {
    cds: newChannel('cds'),
    eds: newChannel('eds'),
    sds: newChannel('sds'),
    lds: newChannel('lds'),
    rds: newChannel('rds'),
  };
  #snapshot: XdsSnapshot;
  #version: number;
  #nonces = 0;

  /** version: the configuration version that the snapshot stands for. */
  constructor(snapshot: XdsSnapshot, version: number) {
    this.#snapshot = snapshot;
    this.#version = version;
  }

  /** What this proxy should have from now on. The same version may come again with another snapshot: workloads come and go. */
  update(snapshot: XdsSnapshot, version: number): readonly DiscoveryResponse[] {
    this.#snapshot = snapshot;
    this.#version = version;
    for (const kind of KINDS) this.#note(this.#channels[kind]);
    return this.#due();
  }

  /** Takes a request. Kinds that nobody here speaks and answers to anything but the last response are ignored. */
  receive(request: DiscoveryRequest): readonly DiscoveryResponse[] {
    const kind = kindOf(request.typeUrl);
    if (kind === undefined) return [];
    const channel = this.#channels[kind];
    const names = readNames(kind, request.resourceNames);
    // Without a nonce it is an answer to nothing: the proxy begins anew. Source: istio pilot/pkg/xds, shouldRespond.
    if (channel.sent === undefined || request.responseNonce === '') {
      channel.names = names;
      return [this.#send(channel, this.#target(channel)), ...this.#due()];
    }
    if (request.responseNonce !== channel.nonce) return [];
    takeAnswer(channel, request.errorDetail);
    const asksForMore = takeNames(channel, names) || channel.owesAnswer;
    if (!asksForMore) return this.#due();
    return [this.#send(channel, this.#target(channel)), ...this.#due()];
  }

  /** Where each kind stands, and the version that this proxy has as a whole. */
  get sync(): Pick<ProxySync, 'kinds' | 'version'> {
    const { cds, eds, sds, lds, rds } = this.#channels;
    const of = (channel: Channel) => channelSync(channel, this.#isSettled(channel));
    const needed = KINDS.filter((kind) => this.#isNeeded(kind));
    return {
      kinds: { cds: of(cds), eds: of(eds), sds: of(sds), lds: of(lds), rds: of(rds) },
      version: Math.min(...needed.map((kind) => this.#versionOf(this.#channels[kind]))),
    };
  }

  /** A proxy that has not asked for its listeners yet has no configuration, whatever it acknowledged; routes and endpoints it asks for where there are any, secrets where it needs them. */
  #isNeeded(kind: Kind): boolean {
    if (isWhole(kind) || this.#channels[kind].sent !== undefined) return true;
    return kind !== 'sds' && this.#snapshot.kinds[kind].size > 0;
  }

  #target(channel: Channel): Content {
    return wanted(channel, this.#snapshot.kinds[channel.kind]);
  }

  /** A version that changes nothing of a kind counts as sent, and as acknowledged when the last response is. */
  #note(channel: Channel): void {
    if (channel.sent === undefined || this.#isBehind(channel)) return;
    channel.sentUpTo = this.#version;
    if (!channel.waiting && !channel.refused) channel.goodUpTo = this.#version;
  }

  #isBehind(channel: Channel): boolean {
    const target = this.#target(channel);
    const sent = channel.sent ?? new Map();
    return addsTo(sent, target) || (isWhole(channel.kind) && lacks(sent, target));
  }

  #isSettled(channel: Channel): boolean {
    return !channel.waiting && !channel.refused && !this.#isBehind(channel);
  }

  #versionOf(channel: Channel): number {
    if (channel.sent === undefined) return 0;
    return this.#isSettled(channel) ? this.#version : Math.max(0, Math.min(channel.goodUpTo, this.#version - 1));
  }

  #due(): DiscoveryResponse[] {
    const { cds, eds, sds, lds, rds } = this.#channels;
    const responses = [...this.#sendClusters(cds), ...this.#sendChanged(eds), ...this.#sendChanged(sds)];
    if (cds.waiting || eds.waiting) return responses;
    return [...responses, ...this.#sendChanged(lds), ...this.#sendChanged(rds), ...this.#sendRemovals(cds)];
  }

  /** What is new or changed, together with what is gone but may still be named by routes. */
  #sendClusters(channel: Channel): DiscoveryResponse[] {
    const { sent, waiting } = channel;
    const target = this.#target(channel);
    if (sent === undefined || waiting || !addsTo(sent, target)) return [];
    return [this.#send(channel, new Map([...sent, ...target]))];
  }

  #sendRemovals(channel: Channel): DiscoveryResponse[] {
    const { lds, rds } = this.#channels;
    const inUse = [lds, rds].some(({ waiting, refused }) => waiting || refused !== undefined);
    if (channel.sent === undefined || channel.waiting || inUse || !this.#isBehind(channel)) return [];
    return [this.#send(channel, this.#target(channel))];
  }

  #sendChanged(channel: Channel): DiscoveryResponse[] {
    if (channel.sent === undefined || channel.waiting || !this.#isBehind(channel)) return [];
    return [this.#send(channel, this.#target(channel))];
  }

  #send(channel: Channel, content: Content): DiscoveryResponse {
    const before = channel.sent ?? new Map();
    channel.sent = content;
    channel.nonce = String(++this.#nonces);
    channel.waiting = true;
    channel.owesAnswer = false;
    channel.sentVersion = String(this.#version);
    // A CDS response that still carries removed clusters does not bring the proxy up to this version.
    if (!this.#isBehind(channel)) channel.sentUpTo = this.#version;
    // Envoy asks anew for the endpoints of a cluster that it replaces, under the same names and nonce.
    if (channel.kind === 'cds' && replacesIn(before, content)) this.#channels.eds.owesAnswer = true;
    return DiscoveryResponse.fromPartial({
      typeUrl: TYPE_URLS[channel.kind],
      versionInfo: channel.sentVersion,
      nonce: channel.nonce,
      resources: [...content.values()].map(({ any }) => any),
    });
  }
}
