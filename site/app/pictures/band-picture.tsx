/** The running share of the canary closing in on its weight, inside the band that chance gives; a slider goes back to any request. */
import { useState } from 'preact/hooks';
import { openRequest } from '../components/x-ray.tsx';
import type { SentAnswer } from '../live/types.ts';
import { percent } from '../live/words.ts';
import { type BandPoint, bandAt, runningShare } from './band.ts';

const [WIDTH, HEIGHT, LEFT, BOTTOM] = [600, 190, 44, 22];

interface Scale {
  readonly x: (n: number) => number;
  readonly y: (share: number) => number;
}

const scaleOf = (from: number, to: number, top: number): Scale => ({
  x: (n) => LEFT + ((n - from) / Math.max(1, to - from)) * (WIDTH - LEFT - 8),
  y: (share) => 8 + (1 - Math.min(top, share) / top) * (HEIGHT - BOTTOM - 8),
});

const Band = ({ points, p, scale: { x, y } }: { points: readonly BandPoint[]; p: number; scale: Scale }) => {
  const ends = points.map(({ n }) => [n, ...bandAt(n, p)] as const);
  const upper = ends.map(([n, , high]) => `${x(n)},${y(high)}`);
  const lower = ends.map(([n, low]) => `${x(n)},${y(low)}`).reverse();
  return <polygon class="band-area" points={[...upper, ...lower].join(' ')} />;
};

const Axis = ({ scale, top, ends }: { scale: Scale; top: number; ends: readonly [number, number] }) => (
  <>
    {[0, top / 2, top].map((share) => (
      <text key={share} class="faint end" x={LEFT - 6} y={scale.y(share) + 4}>
        {percent(share)}
      </text>
    ))}
    <text class="faint" x={scale.x(ends[0])} y={HEIGHT - 4}>
      {ends[0]}
    </text>
    <text class="faint end" x={WIDTH - 8} y={HEIGHT - 4}>
      {ends[1]} requests
    </text>
  </>
);

/** What the line is about. */
export interface BandProps {
  /** Workload with that chance. */
  readonly of: string;
  readonly p: number;
  readonly answers: readonly SentAnswer[];
  /** What earlier rounds of the step brought. */
  readonly before: { readonly n: number; readonly hits: number };
}

const Chosen = ({
  answer,
  number,
  point,
  p,
}: {
  answer: SentAnswer | undefined;
  number: number;
  point: BandPoint | undefined;
  p: number;
}) => {
  if (answer === undefined || point === undefined) return null;
  const [low, high] = bandAt(point.n, p);
  return (
    <figcaption class="small">
      <p role="status">
        Request {number}: {answer.servedBy || 'the mesh itself'} answered. After {point.n.toLocaleString('en')} requests the share is{' '}
        <b>{percent(point.share)}</b>; chance alone keeps it between {percent(low)} and {percent(high)} in 19 tries of 20.{' '}
        {point.share >= low && point.share <= high ? 'It is inside.' : 'It is outside: that happens once in twenty.'}
      </p>
      {answer.requestId === '' ? null : (
        <button type="button" class="button quiet" onClick={() => openRequest(answer.requestId)}>
          Why this one went there
        </button>
      )}
    </figcaption>
  );
};

/** Nothing for an empty round. */
export const BandPicture = ({ of, p, answers, before }: BandProps) => {
  const [chosen, setChosen] = useState<number | undefined>(undefined);
  const points = runningShare(
    answers.map(({ servedBy }) => servedBy === of),
    before,
  );
  const last = points.at(-1);
  if (last === undefined) return null;
  const number = Math.min(answers.length, chosen ?? answers.length);
  const at = points.findLast(({ n }) => n <= before.n + number) ?? points[0];
  const top = Math.min(1, Math.max(p * 3, ...points.slice(-Math.ceil(points.length * 0.9)).map(({ share }) => share)));
  const first = points[0]?.n ?? 1;
  const scale = scaleOf(first, last.n, top);
  return (
    <figure class="band stack" aria-label={`Running share of ${of}`}>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={`Running share of ${of}, and the band that chance gives; the text below says the same`}
      >
        <Band points={points} p={p} scale={scale} />
        <line class="weight" x1={LEFT} x2={WIDTH - 8} y1={scale.y(p)} y2={scale.y(p)} />
        <polyline class="share" points={points.map(({ n, share }) => `${scale.x(n)},${scale.y(share)}`).join(' ')} />
        {at === undefined ? null : <circle class="now" cx={scale.x(at.n)} cy={scale.y(at.share)} r="5" />}
        <Axis scale={scale} top={top} ends={[first, last.n]} />
      </svg>
      <label class="row small">
        <span>Back to request</span>
        <input
          class="race-time"
          type="range"
          min={1}
          max={answers.length}
          value={number}
          onInput={(event) => setChosen(Number(event.currentTarget.value))}
        />
      </label>
      <Chosen answer={answers[number - 1]} number={number} point={at} p={p} />
    </figure>
  );
};
