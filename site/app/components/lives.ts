/** Lives of certificates as bars on a line of time. Pure. */
import type { LeafLife } from '../live/types.ts';

/** The next certificate is asked for at about this share of a life. */
export const RENEWED_AT = 0.5;
const KEPT = 4;

/** Adds what is new to what was seen; a few for each holder, the oldest first. */
export const rememberLives = (seen: readonly LeafLife[], now: readonly LeafLife[]): readonly LeafLife[] => {
  const known = new Set(seen.map(({ serial }) => serial));
  const fresh = now.filter(({ serial }) => !known.has(serial));
  if (fresh.length === 0) return seen;
  const groups = Map.groupBy([...seen, ...fresh], ({ holder }) => holder);
  return [...groups.values()].flatMap((lives) => lives.toSorted((a, b) => a.issuedAtMs - b.issuedAtMs).slice(-KEPT));
};

/** When about the next one is asked for. */
export const renewalOf = ({ issuedAtMs, notAfterMs }: LeafLife): number => issuedAtMs + (notAfterMs - issuedAtMs) * RENEWED_AT;

/** What the line of time must hold, with a little room at both ends. */
export const spanOf = (lives: readonly LeafLife[], nowMs: number): readonly [number, number] => {
  const from = Math.min(nowMs, ...lives.map(({ issuedAtMs }) => issuedAtMs));
  const to = Math.max(nowMs + 1, ...lives.map(({ notAfterMs }) => notAfterMs));
  const room = (to - from) * 0.02;
  return [from - room, to + room];
};
