/** LIVING STATE: the last certificate of everybody who got one: who still stands on the old root, and what people are shown. Never a key. */

/** One holder's certificate. */
export interface IssuedLeaf {
  /** Who holds it: the workload that its token named, or else the first serial that it got. */
  readonly holder: string;
  /** SPIFFE ID. */
  readonly identity: string;
  readonly serial: string;
  readonly issuedAtMs: number;
  readonly notAfterMs: number;
  /** Id of the authority that signed it. */
  readonly authority: string;
  /** How many this holder had before. */
  readonly rotations: number;
  /** Authority of the one before. */
  readonly before?: string;
}

/** More holders are not kept; who renewed longest ago goes. */
const MOST = 10_000;
/** A proxy needs a moment to put a certificate in force that it was just given. */
const IN_FORCE_AFTER_MS = 1_000;

/** By holder and identity. */
export class IssuedLeaves {
  readonly #leaves = new Map<string, IssuedLeaf>();

  constructor(saved: readonly IssuedLeaf[] = []) {
    for (const leaf of saved) this.#leaves.set(keyOf(leaf), leaf);
  }

  /** Oldest first. */
  list(): readonly IssuedLeaf[] {
    return [...this.#leaves.values()];
  }

  /** Takes the place of the holder's last one. */
  add(leaf: Omit<IssuedLeaf, 'rotations' | 'before'>): void {
    const before = this.#leaves.get(keyOf(leaf));
    this.#leaves.delete(keyOf(leaf));
    for (const [key, { notAfterMs }] of this.#leaves) if (notAfterMs <= leaf.issuedAtMs) this.#leaves.delete(key);
    this.#leaves.set(keyOf(leaf), { ...leaf, rotations: before ? before.rotations + 1 : 0, ...(before && { before: before.authority }) });
    const [oldest] = this.#leaves.keys();
    if (this.#leaves.size > MOST && oldest !== undefined) this.#leaves.delete(oldest);
  }

  /** Whose certificate that is; undefined when it is nobody's last one. */
  holderOf(serial: string): string | undefined {
    return this.list().find((leaf) => leaf.serial === serial)?.holder;
  }

  /** Holders that an authority's end would hurt now. */
  standingOn(authority: string, nowMs: number): readonly string[] {
    return this.list().flatMap((leaf) => {
      if (leaf.authority === authority)
        return leaf.notAfterMs > nowMs ? [`${leaf.holder} until ${new Date(leaf.notAfterMs).toISOString()}`] : [];
      const isFresh = leaf.before === authority && leaf.issuedAtMs + IN_FORCE_AFTER_MS > nowMs;
      return isFresh ? [`${leaf.holder}, which got its new one a moment ago`] : [];
    });
  }
}

const keyOf = ({ holder, identity }: Pick<IssuedLeaf, 'holder' | 'identity'>): string => `${holder} ${identity}`;
