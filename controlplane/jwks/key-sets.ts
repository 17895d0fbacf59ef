/** Keys of issuers that publish them: fetched, kept, renewed. What was good stays good while its source is away. */
import type { System } from '#system/system.ts';
import { type Fetching, httpGet } from './http-get.ts';
import { descriptionOf, readKeySet, readKeySetAddress } from './key-set.ts';

/** A key set, or an issuer that says where its own is. */
export interface WantedKeySet {
  /** Under which its keys are found again. */
  readonly id: string;
  readonly kind: 'key set' | 'issuer';
  readonly url: string;
  /** How long it may take to answer. */
  readonly timeoutMs: number;
}

/** Istio's: keys are asked for again so often. */
const RENEW_AFTER_MS = 20 * 60_000;

/** After a failure: at once more or less, then twice as long each time. */
const RETRY_MS = { first: 1_000, longest: 5 * 60_000 } as const;

/** Istio's: keys whose source was away so long are no longer believed. */
const BELIEVED_MS = 7 * 24 * 3_600_000;

/** One source that somebody uses. */
interface Kept {
  readonly ended: AbortController;
  wanted: WantedKeySet;
  keys?: string;
  fetchedAtMs: number;
}

/** Every source is fetched on its own, so that a slow one holds up nobody. */
export class KeySets implements Disposable {
  readonly #kept = new Map<string, Kept>();
  readonly #fetching: Fetching;
  readonly #system: System;
  readonly #changed: () => void;

  /** changed: some source's keys are others than before. */
  constructor(system: System, fetching: Omit<Fetching, 'system'>, changed: () => void) {
    this.#system = system;
    this.#fetching = { ...fetching, system };
    this.#changed = changed;
  }

  /** These sources and no others: new ones are fetched now, the rest is forgotten. */
  want(sources: readonly WantedKeySet[]): void {
    const byId = new Map(sources.map((source) => [source.id, source]));
    for (const [id, kept] of this.#kept) {
      const wanted = byId.get(id);
      if (wanted) kept.wanted = wanted;
      else {
        kept.ended.abort(new Error('no longer wanted'));
        this.#kept.delete(id);
      }
    }
    for (const [id, wanted] of byId) {
      if (this.#kept.has(id)) continue;
      const kept: Kept = { ended: new AbortController(), wanted, fetchedAtMs: 0 };
      this.#kept.set(id, kept);
      void this.#keep(id, kept);
    }
  }

  /** Keys by source; a source that was never reached is missing. */
  current(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.#kept].flatMap(([id, { keys }]) => (keys === undefined ? [] : [[id, keys]])));
  }

  [Symbol.dispose](): void {
    this.want([]);
  }

  async #keep(id: string, kept: Kept): Promise<void> {
    const { signal } = kept.ended;
    let failures = 0;
    while (!signal.aborted) {
      failures = (await this.#renew(id, kept)) ? 0 : failures + 1;
      const pause = failures === 0 ? RENEW_AFTER_MS : Math.min(RETRY_MS.first * 2 ** (failures - 1), RETRY_MS.longest);
      const jitter = 0.9 + this.#system.random.float() / 5;
      await this.#system.clock.sleep(pause * jitter, signal).catch(() => {});
    }
  }

  /** Whether it succeeded. Of a failure the log tells; what the source sent is not in it. */
  async #renew(id: string, kept: Kept): Promise<boolean> {
    const { clock, log } = this.#system;
    try {
      const keys = readKeySet(await this.#fetch(kept));
      kept.fetchedAtMs = clock.nowMs();
      this.#set(kept, keys);
      return true;
    } catch (error) {
      if (kept.ended.signal.aborted) return false;
      log.warn('jwks.fetch-failed', { source: id, reason: (error as Error).message, keysKept: kept.keys !== undefined });
      if (clock.nowMs() - kept.fetchedAtMs > BELIEVED_MS) this.#set(kept, undefined);
      return false;
    }
  }

  async #fetch({ wanted: { kind, url, timeoutMs }, ended }: Kept): Promise<string> {
    const get = (address: string): Promise<string> => httpGet(address, timeoutMs, this.#fetching, ended.signal);
    return await get(kind === 'key set' ? url : readKeySetAddress(await get(descriptionOf(url)), url));
  }

  #set(kept: Kept, keys: string | undefined): void {
    if (kept.ended.signal.aborted || keys === kept.keys) return;
    if (keys === undefined) delete kept.keys;
    else kept.keys = keys;
    this.#changed();
  }
}
