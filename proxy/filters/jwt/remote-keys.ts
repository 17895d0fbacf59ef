/** LIVING STATE: one issuer's keys, fetched from another cluster and kept for their time. A refresh that fails keeps the last good set. */
import type { System } from '#system/system.ts';
import { EMPTY_BODY } from '../../http/body.ts';
import type { Handler } from '../../http/filter.ts';
import { HeaderMap } from '../../http/header-map.ts';
import { type HttpRequest, NO_TRAILERS } from '../../http/message.ts';
import { sideCall } from '../side-call.ts';
import { utf8Text } from './base64url.ts';
import { type KeySet, parseKeySet } from './key-set.ts';

/** Where and how keys are fetched. */
export interface RemoteRules {
  readonly cluster: string;
  readonly authority: string;
  readonly path: string;
  readonly timeoutMs: number;
  /** How long a set is used before it is fetched anew. */
  readonly cacheMs: number;
  /** Tries after the first one, and the pauses before them. */
  readonly retries: number;
  readonly retryMs: readonly [first: number, most: number];
  /** Whether a set is fetched anew before it ends, so that no request waits. */
  readonly ahead: boolean;
}

/** isStale: the set should have been fetched anew, and that failed. */
export interface KeysNow {
  readonly set: KeySet | undefined;
  readonly isStale: boolean;
}

/** Counts fetches. */
export interface FetchObserver {
  fetched(success: boolean): void;
}

const MAX_BYTES = 1024 * 1024;
const PAUSE_MS = 250;
const MAX_PAUSE_MS = 10_000;
/** The last part of a set's time, in which it is fetched ahead. */
const AHEAD_SHARE = 0.1;

/** One fetch is under way at a time; after a failure the next one waits, longer each time. */
export class RemoteKeys {
  readonly #system: System;
  readonly #handle: Handler;
  readonly #rules: RemoteRules;
  #set: KeySet | undefined;
  #freshUntilMs = Number.NEGATIVE_INFINITY;
  #nextTryMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #underWay: Promise<void> | undefined;

  constructor(rules: RemoteRules, system: System, handle: Handler) {
    this.#rules = rules;
    this.#system = system;
    this.#handle = handle;
  }

  /** Fetches first when there is nothing fresh and it is time to try. Never rejects. */
  now(observer: FetchObserver): KeysNow | Promise<KeysNow> {
    const at = this.#system.clock.nowMs();
    if (this.#set && at < this.#freshUntilMs) {
      if (this.#rules.ahead && at > this.#freshUntilMs - this.#rules.cacheMs * AHEAD_SHARE && at >= this.#nextTryMs)
        void this.#refresh(observer);
      return { set: this.#set, isStale: false };
    }
    if (at < this.#nextTryMs && !this.#underWay) return this.#kept();
    return this.#refresh(observer).then(() => this.#kept());
  }

  #kept(): KeysNow {
    return { set: this.#set, isStale: this.#system.clock.nowMs() >= this.#freshUntilMs };
  }

  #refresh(observer: FetchObserver): Promise<void> {
    this.#underWay ??= this.#fetch(observer).finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  async #fetch(observer: FetchObserver): Promise<void> {
    const { clock, random, log } = this.#system;
    const [first, most] = this.#rules.retryMs;
    for (let tries = 0; ; tries++) {
      const reason = await this.#try();
      observer.fetched(reason === undefined);
      if (reason === undefined) return;
      log.warn('jwt.keys-not-fetched', { cluster: this.#rules.cluster, path: this.#rules.path.split('?', 1)[0] ?? '', reason });
      if (tries >= this.#rules.retries) break;
      await clock.sleep(Math.min(most, first * 2 ** tries) * (0.5 + random.float() / 2));
    }
    this.#failures++;
    this.#nextTryMs = clock.nowMs() + Math.min(MAX_PAUSE_MS, PAUSE_MS * 2 ** (this.#failures - 1)) * (0.5 + random.float() / 2);
  }

  /** Why not; undefined when there are new keys. */
  async #try(): Promise<string | undefined> {
    const { clock } = this.#system;
    const { authority, path, timeoutMs, cacheMs } = this.#rules;
    const request: HttpRequest = {
      ...{ method: 'GET', scheme: 'http', authority, path, body: EMPTY_BODY, trailers: NO_TRAILERS },
      headers: HeaderMap.EMPTY,
    };
    try {
      const { status, body } = await sideCall({ clock, handle: this.#handle, timeoutMs, maxBytes: MAX_BYTES }, request);
      // A redirect is an answer like any other that is not 200: nobody is followed anywhere.
      if (status !== 200) return `status ${status}`;
      const set = parseKeySet(utf8Text(body) ?? '');
      if (!set || set.keys.length === 0) return 'no key set with a usable key';
      this.#set = set;
      this.#freshUntilMs = clock.nowMs() + cacheMs;
      this.#failures = 0;
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
}

const KEPT = new WeakMap<System, Map<string, RemoteKeys>>();
const MAX_KEPT = 1024;

/** The same rules lead to the same keys, in whichever listener they stand and however often the configuration changes. */
export const remoteKeysFor = (rules: RemoteRules, system: System, upstream: (cluster: string) => Handler): RemoteKeys => {
  const kept = KEPT.get(system) ?? new Map<string, RemoteKeys>();
  KEPT.set(system, kept);
  const name = JSON.stringify(rules);
  const keys = kept.get(name) ?? new RemoteKeys(rules, system, upstream(rules.cluster));
  kept.delete(name);
  kept.set(name, keys);
  for (const oldest of kept.keys()) {
    if (kept.size <= MAX_KEPT) break;
    kept.delete(oldest);
  }
  return keys;
};
