/** Whether a line's calls are under mutual TLS: a padlock whose shape tells it, with or without colour. */
import type { EdgeFigures } from '../live/types.ts';
import { percent } from '../live/words.ts';

/** closed: every call of the window; open: none; mixed: some. Undefined where no call reached anybody. */
export type Lock = 'closed' | 'open' | 'mixed';

/** Of an edge's figures. */
export const lockOf = (edge: EdgeFigures | undefined): Lock | undefined => {
  if (edge?.mutual === undefined) return undefined;
  if (edge.mutual === 1) return 'closed';
  return edge.mutual === 0 ? 'open' : 'mixed';
};

/** The same in words. */
export const lockWords = (edge: EdgeFigures | undefined): string => {
  const lock = lockOf(edge);
  if (lock === undefined) return '';
  if (lock === 'mixed') return `${percent(edge?.mutual ?? 0)} under mutual TLS`;
  return lock === 'closed' ? 'mutual TLS' : 'plain text';
};

/** Shackle: down on both sides, or lifted off on one. */
const SHACKLE: Readonly<Record<Lock, string>> = {
  closed: 'M-3.5,-1 v-2.5 a3.5,3.5 0 0 1 7,0 v2.5',
  open: 'M-3.5,-1 v-4.5 a3.5,3.5 0 0 1 7,0 v1',
  mixed: 'M-3.5,-1 v-3.5 a3.5,3.5 0 0 1 7,0 v1.5',
};

/** About 14 by 16 round the origin. */
export const Padlock = ({ lock }: { lock: Lock }) => (
  <g class={`padlock ${lock}`}>
    <path class="shackle" d={SHACKLE[lock]} />
    <rect class="case" x="-6" y="-1" width="12" height="9" rx="2" />
    {lock === 'mixed' ? <rect class="half" x="-6" y="-1" width="6" height="9" rx="2" /> : null}
  </g>
);
