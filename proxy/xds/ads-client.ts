/** One aggregated-discovery stream to the control plane: subscribe, acknowledge or refuse, and come back after a loss. */
import type { AdsStream, OpenAdsStream } from '#api/ads-stream.ts';
import { KINDS, type Kind, kindOf } from '#api/kinds.ts';
import type { DiscoveryResponse, Node } from '#envoy';
import type { Cancel } from '#system/clock.ts';
import type { System } from '#system/system.ts';
import { newSubscription, onNewStream, requestOf, type Subscription, sameNames } from './subscription.ts';

/** Envoy's defaults for a lost ADS stream: full jitter below a ceiling that doubles. */
const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 30_000;

/** Takes one response into use. Empty: accepted; else why it is refused (what was good in it may be in use all the same). Never rejects. */
export type TakeResponse = (kind: Kind, response: DiscoveryResponse) => string | Promise<string>;

/** What the client needs. */
export interface AdsClientOptions {
  readonly open: OpenAdsStream;
  readonly node: Node;
  readonly take: TakeResponse;
  /** Envoy's first word of its numbers, and whose they are; those of the control plane when absent. */
  readonly numbers?: { readonly kind: string; readonly name: string };
  readonly system: Pick<System, 'clock' | 'random' | 'log' | 'metrics'>;
}

/** The last good configuration stays whatever happens here. */
export class AdsClient {
  readonly #options: AdsClientOptions;
  readonly #subscriptions = new Map<Kind, Subscription>();
  readonly #connected;
  readonly #updates;
  readonly #refusals;
  #stream: AdsStream | undefined;
  #nodeSent = false;
  #failures = 0;
  #retry: Cancel = () => {};
  #closed = false;

  constructor(options: AdsClientOptions) {
    this.#options = options;
    const scope = options.system.metrics.scope(options.numbers?.kind ?? 'control_plane', options.numbers?.name);
    this.#connected = scope.gauge('connected_state');
    this.#updates = scope.counter('update_success');
    this.#refusals = scope.counter('update_rejected');
  }

  /** Opens the stream and asks for everything that was wanted so far. */
  start(): void {
    this.#open();
  }

  /** Last accepted version of a kind; empty before the first. */
  version(kind: Kind): string {
    return this.#subscriptions.get(kind)?.version ?? '';
  }

  /** Asks for a kind: all of it, or exactly these names from now on. Asking for what is asked already says nothing. */
  want(kind: Kind, names?: ReadonlySet<string>): void {
    const known = this.#subscriptions.get(kind);
    if (names === undefined ? known !== undefined : sameNames(known?.names, names) || (!known && names.size === 0)) return;
    const next = { ...(known ?? newSubscription(kind)), names };
    this.#subscriptions.set(kind, next);
    this.#send(next);
  }

  /** Ends the stream for good. */
  close(): void {
    this.#closed = true;
    this.#retry();
    this.#stream?.close();
    this.#stream = undefined;
    this.#connected.value = 0;
  }

  #open(): void {
    this.#nodeSent = false;
    let over = false;
    const stream = this.#options.open({
      response: (response) => {
        if (!over && !this.#closed) this.#receive(response);
      },
      ended: (reason) => {
        if (over) return;
        over = true;
        this.#lost(reason);
      },
    });
    if (over) return;
    this.#stream = stream;
    for (const kind of KINDS) {
      const known = this.#subscriptions.get(kind);
      if (!known) continue;
      const fresh = onNewStream(known);
      this.#subscriptions.set(kind, fresh);
      if (fresh.names?.size !== 0) this.#send(fresh);
    }
  }

  #send(subscription: Subscription, refusal?: string): void {
    if (!this.#stream) return;
    const node = this.#nodeSent ? {} : { node: this.#options.node };
    this.#nodeSent = true;
    this.#stream.send(requestOf(subscription, { ...node, ...(refusal !== undefined && { refusal }) }));
  }

  #receive(response: DiscoveryResponse): void {
    this.#failures = 0;
    this.#connected.value = 1;
    const kind = kindOf(response.typeUrl);
    const known = kind && this.#subscriptions.get(kind);
    if (!kind || !known) {
      this.#options.system.log.warn('xds.response-ignored', { typeUrl: response.typeUrl });
      return;
    }
    // The nonce counts before `take`: new wishes that follow from this response must not carry a stale one.
    this.#subscriptions.set(kind, { ...known, nonce: response.nonce });
    const refusal = this.#options.take(kind, response);
    if (typeof refusal === 'string') this.#answer(kind, response, refusal);
    else {
      const stream = this.#stream;
      void refusal.then((text) => {
        if (this.#stream === stream) this.#answer(kind, response, text);
      });
    }
  }

  #answer(kind: Kind, response: DiscoveryResponse, refusal: string): void {
    const current = this.#subscriptions.get(kind);
    // A newer response of the kind is on its way through: its answer counts for both.
    if (!current || current.nonce !== response.nonce) return;
    if (refusal !== '') {
      this.#refusals.value++;
      this.#options.system.log.warn('xds.response-refused', { kind, version: response.versionInfo, reason: refusal });
      this.#send(current, refusal);
      return;
    }
    this.#updates.value++;
    const accepted = { ...current, version: response.versionInfo };
    this.#subscriptions.set(kind, accepted);
    this.#send(accepted);
  }

  #lost(reason: string): void {
    this.#stream = undefined;
    this.#connected.value = 0;
    if (this.#closed) return;
    const ceiling = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(this.#failures++, 10));
    const waitMs = Math.max(1, Math.floor(this.#options.system.random.float() * ceiling));
    this.#options.system.log.warn('xds.stream-lost', { reason, retryInMs: waitMs });
    this.#retry = this.#options.system.clock.after(waitMs, () => this.#open());
  }
}
