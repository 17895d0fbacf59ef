/** LIVING STATE: bootstrap tokens. One admits one workload once, within minutes; only its hash is kept. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { SpiffeId } from '#api/spiffe-id.ts';
import { RequestRefused } from './signer.ts';

/** Whom a token admits. */
export interface Admission {
  readonly identity: SpiffeId;
  /** Who of those with this identity, for people; undefined when nobody said. */
  readonly holder?: string;
}

/** A token as it is kept. */
export interface KeptToken extends Admission {
  /** SHA-256, hexadecimal. */
  readonly hash: string;
  readonly expiresAtMs: number;
}

/** How long a token admits. */
export const TOKEN_LIFE_MS = 600_000;
const MOST = 10_000;
const FORM = /^[A-Za-z0-9_-]{43}$/;

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');
const refusal = (): RequestRefused => new RequestRefused('unauthenticated', 'the token is unknown, used or expired');

/** Tokens that still admit somebody. */
export class BootstrapTokens {
  readonly #kept: KeptToken[];

  constructor(saved: readonly KeptToken[] = []) {
    this.#kept = [...saved];
  }

  list(): readonly KeptToken[] {
    return this.#kept;
  }

  /** 256 random bits, base64url. */
  issue(admission: Admission, nowMs: number): string {
    this.#forget(nowMs);
    if (this.#kept.length >= MOST) throw new Error(`${MOST} tokens wait to be used already`);
    const token = randomBytes(32).toString('base64url');
    this.#kept.push({ ...admission, hash: hashOf(token), expiresAtMs: nowMs + TOKEN_LIFE_MS });
    return token;
  }

  /** It admits nobody from now on. Throws RequestRefused. */
  redeem(token: string, nowMs: number): Admission {
    this.#forget(nowMs);
    if (!FORM.test(token)) throw refusal();
    const given = Buffer.from(hashOf(token), 'hex');
    // Hashes of secrets are compared, so that time tells nothing; all of them, so that it does not even tell which.
    const found = this.#kept.filter(({ hash }) => timingSafeEqual(Buffer.from(hash, 'hex'), given)).at(0);
    if (found === undefined) throw refusal();
    this.#kept.splice(this.#kept.indexOf(found), 1);
    const { identity, holder } = found;
    return { identity, ...(holder !== undefined && { holder }) };
  }

  #forget(nowMs: number): void {
    for (let index = this.#kept.length - 1; index >= 0; index--)
      if ((this.#kept[index]?.expiresAtMs ?? 0) <= nowMs) this.#kept.splice(index, 1);
  }
}
