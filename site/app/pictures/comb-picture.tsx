/** Each try of one request, drawn as the teeth of combs on one line of time; the table has the same in words. */
import { ScrollRegion } from '../components/scroll-region.tsx';
import { WorkloadName } from '../components/version.tsx';
import { flagWords, milliseconds } from '../live/words.ts';
import type { Comb, CombRow, Tooth } from './comb.ts';

const [WIDTH, RIGHT, TOP, ROW] = [600, 46, 22, 84];
const [SPINE, DEEP, LEAST, GAP] = [34, 26, 9, 2];
const ROOM_FOR_PAUSE = 40;
/** A cap much further away is told in words: drawn, it would squeeze everything else. */
const CAP_IN_SIGHT = 1.35;

const SIGNS = { good: '✓', bad: '✗', cut: '✂' } as const;

/** `2 s`, `27 ms`. */
export const shortTime = (ms: number): string => (ms >= 1_000 ? `${Math.round(ms / 100) / 10} s` : `${Math.round(ms)} ms`);

/** How one try ended. */
export const endWords = ({ end, status, flag, details, host }: Tooth): string => {
  if (host === '') return `not sent: ${flagWords(flag) || 'nobody to send it to'}`;
  if (end === 'cut') return details === 'upstream_per_try_timeout' ? 'given up: limit of one try' : 'given up: limit of the whole call';
  return status > 0 ? `answered ${status}` : flagWords(flag) || 'no answer';
};

interface Placed {
  readonly tooth: Tooth;
  readonly x: number;
  readonly width: number;
}

/** Short tries get a width that can be seen, and move to the right rather than cover each other. */
const place = (teeth: readonly Tooth[], scale: (ms: number) => number): readonly Placed[] => {
  let free = Number.NEGATIVE_INFINITY;
  return teeth.map((tooth) => {
    const x = Math.max(scale(tooth.fromMs), free);
    const width = Math.max(LEAST, scale(tooth.toMs) - scale(tooth.fromMs));
    free = x + width + GAP;
    return { tooth, x, width };
  });
};

const ToothMark = ({ placed: { tooth, x, width }, before, y }: { placed: Placed; before: Placed | undefined; y: number }) => {
  const gapFrom = before === undefined ? x : before.x + before.width;
  const middle = x + width / 2;
  return (
    <g class={`tooth ${tooth.end}${tooth.host === '' ? ' unsent' : ''}`}>
      {before !== undefined && x - gapFrom >= ROOM_FOR_PAUSE ? (
        <text class="faint" x={(gapFrom + x) / 2} y={y + 14}>
          {shortTime(tooth.waitedMs)}
        </text>
      ) : null}
      <rect x={x} y={y} width={width} height={DEEP} />
      <text class="number" x={middle} y={y + DEEP + 13}>
        {width >= 44 ? `${tooth.number} ${SIGNS[tooth.end]} ${tooth.status || tooth.flag || ''}` : SIGNS[tooth.end]}
      </text>
    </g>
  );
};

const CombMark = ({ comb, y, scale }: { comb: Comb; y: number; scale: (ms: number) => number }) => {
  const placed = place(comb.teeth, scale);
  const end = Math.max(scale(comb.toMs), ...placed.map(({ x, width }) => x + width));
  return (
    <g>
      <line class="spine" x1={scale(comb.fromMs)} x2={end} y1={y} y2={y} />
      {placed.map((one, index) => (
        <ToothMark key={one.tooth.number} placed={one} before={placed[index - 1]} y={y} />
      ))}
    </g>
  );
};

const Row = ({ row, y, scale }: { row: CombRow; y: number; scale: (ms: number) => number }) => {
  const tries = row.combs.reduce((sum, { teeth }) => sum + teeth.length, 0);
  return (
    <g>
      <text class="row-name" x={0} y={y + 12}>
        {row.from} → {row.to}: {row.combs.length === 1 ? '1 call' : `${row.combs.length} calls`}, {tries === 1 ? '1 try' : `${tries} tries`}
      </text>
      {row.combs.map((comb) => (
        <CombMark key={comb.seq} comb={comb} y={y + SPINE - 8} scale={scale} />
      ))}
    </g>
  );
};

const Cap = ({ capMs, spanMs, x, height }: { capMs: number; spanMs: number; x: number; height: number }) =>
  capMs === 0 || capMs > spanMs * CAP_IN_SIGHT ? null : (
    <g class="cap">
      <line x1={x} x2={x} y1={12} y2={height} />
      <text class="cap-words" x={x} y={9}>
        cap {shortTime(capMs)}
      </text>
    </g>
  );

const Twin = ({ rows }: { rows: readonly CombRow[] }) => (
  <ScrollRegion class="scroll-x twin" label="Every try in words">
    <table class="small">
      <caption class="hidden-text">Every try of the request</caption>
      <thead>
        <tr>
          {['call', 'try', 'host', 'pause before', 'began after', 'took', 'end'].map((title) => (
            <th key={title} scope="col">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.flatMap((row) =>
          row.combs.flatMap((comb) =>
            comb.teeth.map((tooth) => (
              <tr key={`${comb.seq} ${tooth.number}`}>
                <th scope="row">
                  {row.from} → {row.to}
                </th>
                <td class="number">{tooth.number}</td>
                <td>{tooth.host === '' ? '–' : <WorkloadName name={tooth.host} />}</td>
                <td class="number">{tooth.waitedMs === 0 ? '–' : milliseconds(tooth.waitedMs)}</td>
                <td class="number">{milliseconds(tooth.fromMs)}</td>
                <td class="number">{milliseconds(tooth.toMs - tooth.fromMs)}</td>
                <td>{endWords(tooth)}</td>
              </tr>
            )),
          ),
        )}
      </tbody>
    </table>
  </ScrollRegion>
);

const limitWords = (rows: readonly CombRow[]): string => {
  const combs = rows.flatMap((row) => row.combs);
  const capMs = Math.max(0, ...combs.map((comb) => comb.capMs));
  const tryMs = combs.flatMap(({ teeth }) => teeth.flatMap(({ limitMs }) => limitMs ?? []))[0];
  return [
    capMs > 0 ? `The whole call may take ${shortTime(capMs)}.` : '',
    tryMs === undefined ? '' : `One try may take ${shortTime(tryMs)}.`,
  ]
    .filter((words) => words !== '')
    .join(' ');
};

/** rows: as `combsOf` makes them. spanMs: what the line of time must hold. */
export const CombPicture = ({ rows, spanMs }: { rows: readonly CombRow[]; spanMs: number }) => {
  const capMs = Math.max(0, ...rows.flatMap(({ combs }) => combs.map((comb) => comb.capMs)));
  const shownMs = capMs > 0 && capMs <= spanMs * CAP_IN_SIGHT ? Math.max(spanMs, capMs) : spanMs;
  const scale = (ms: number) => (ms / shownMs) * (WIDTH - RIGHT);
  const height = TOP + rows.length * ROW + 16;
  return (
    <figure class="comb stack">
      <svg
        viewBox={`-2 0 ${WIDTH + 4} ${height}`}
        role="img"
        aria-label="Tries of the request on a line of time; the table below has the same"
      >
        <Cap capMs={capMs} spanMs={spanMs} x={scale(capMs)} height={height - 14} />
        {rows.map((row, index) => (
          <Row key={`${row.from} ${row.to}`} row={row} y={TOP + index * ROW} scale={scale} />
        ))}
        <line class="axis" x1={0} x2={scale(shownMs)} y1={height - 13} y2={height - 13} />
        <text class="faint start" x={0} y={height - 2}>
          0
        </text>
        <text class="faint" x={scale(shownMs)} y={height - 2}>
          {shortTime(shownMs)}
        </text>
      </svg>
      <figcaption class="small muted">
        ✓ answered below 500 · ✗ failed · ✂ given up by the caller’s proxy. {limitWords(rows)} Between two tries the proxy waits.
      </figcaption>
      <Twin rows={rows} />
    </figure>
  );
};
