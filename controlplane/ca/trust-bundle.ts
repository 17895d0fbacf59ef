/**
 * Which roots are trusted and which one signs, while one root gives way to another: A, then A and B with A signing, then A and B with B signing, then B.
 * Each step waits until nobody can be hurt by it, and says for what; none can be forced. Pure.
 */

/** steady: one root. begun: both are trusted, the old one signs. switched: both are trusted, the new one signs. */
export type TrustBundle =
  | { readonly phase: 'steady'; readonly signing: string }
  | { readonly phase: 'begun'; readonly signing: string; readonly other: string }
  | { readonly phase: 'switched'; readonly signing: string; readonly other: string };

/** What people ask for. */
export const ROTATION_STEPS = ['begin', 'switch', 'finish'] as const;

/** See `ROTATION_STEPS`. */
export type RotationStep = (typeof ROTATION_STEPS)[number];

/** A step that is not taken yet, and why. */
export class TooEarly extends Error {
  override readonly name = 'TooEarly';
}

/** Ids of the roots that are trusted, the signing one first. */
export const trusted = (bundle: TrustBundle): readonly string[] =>
  bundle.phase === 'steady' ? [bundle.signing] : [bundle.signing, bundle.other];

/** fresh: id of the new root. */
export const begin = (bundle: TrustBundle, fresh: string): TrustBundle => {
  if (bundle.phase !== 'steady') throw new TooEarly(`a change of roots is under way already (${bundle.phase}); it must be finished first`);
  return { phase: 'begun', signing: bundle.signing, other: fresh };
};

/** behind: workloads whose proxies have not acknowledged both roots. */
export const switchOver = (bundle: TrustBundle, behind: readonly string[]): TrustBundle => {
  if (bundle.phase !== 'begun')
    throw new TooEarly(bundle.phase === 'steady' ? 'no change of roots is under way; begin one first' : 'the new root signs already');
  if (behind.length > 0) throw new TooEarly(`these proxies do not trust the new root yet: ${behind.join(', ')}`);
  return { phase: 'switched', signing: bundle.other, other: bundle.signing };
};

/** holding: who still has a certificate under the old root. */
export const finish = (bundle: TrustBundle, holding: readonly string[]): TrustBundle => {
  if (bundle.phase !== 'switched')
    throw new TooEarly(bundle.phase === 'steady' ? 'no change of roots is under way' : 'the new root does not sign yet; switch first');
  if (holding.length > 0) throw new TooEarly(`these certificates under the old root are still in force: ${holding.join(', ')}`);
  return { phase: 'steady', signing: bundle.signing };
};

/** Undefined for anything else. */
export const readTrustBundle = (value: unknown): TrustBundle | undefined => {
  if (typeof value !== 'object' || value === null) return undefined;
  const { phase, signing, other } = value as Readonly<Record<string, unknown>>;
  if (!isId(signing)) return undefined;
  if (phase === 'steady') return { phase, signing };
  return (phase === 'begun' || phase === 'switched') && isId(other) && other !== signing ? { phase, signing, other } : undefined;
};

const isId = (value: unknown): value is string => typeof value === 'string' && /^[a-z0-9]{1,32}$/.test(value);
