/** How often each count comes up when n requests are drawn with chance p; the learner's own counts are marked. */

/** Probability of exactly k of n, through logarithms, so that n may be large. */
export const binomial = (n: number, p: number, k: number): number => {
  let log = k * Math.log(p) + (n - k) * Math.log1p(-p);
  for (let i = 1; i <= k; i++) log += Math.log((n - k + i) / i);
  return Math.exp(log);
};

/** Smallest interval of counts round the mean that holds `share` of all tries. */
export const usualCounts = (n: number, p: number, share: number): readonly [number, number] => {
  let low = Math.round(n * p);
  let high = low;
  let sum = binomial(n, p, low);
  while (sum < share && (low > 0 || high < n)) {
    const below = low > 0 ? binomial(n, p, low - 1) : 0;
    const above = high < n ? binomial(n, p, high + 1) : 0;
    if (below >= above) {
      low--;
      sum += below;
    } else {
      high++;
      sum += above;
    }
  }
  return [low, high];
};

const WIDTH = 560;
const HEIGHT = 170;
const MAX_DOTS = 6;

interface Picture {
  /** Requests in a round. */
  readonly n: number;
  /** Chance of each, 0…1. */
  readonly p: number;
  /** Workload that is drawn with that chance. */
  readonly of: string;
  /** What came out, oldest round first; never empty. */
  readonly rounds: readonly number[];
  readonly predicted?: number;
  /** How far from p the share may be, 0…1, where somebody judges it. */
  readonly allowed?: number;
}

/** Counts that the picture shows: five spreads round the mean, and everything that is marked. */
const shownCounts = ({ n, p, rounds, predicted, allowed }: Picture): readonly number[] => {
  const spread = Math.sqrt(n * p * (1 - p));
  const marked = [...rounds, ...(predicted === undefined ? [] : [predicted])];
  const limits = allowed === undefined ? [] : [Math.floor(n * (p - allowed * 1.2)), Math.ceil(n * (p + allowed * 1.2))];
  const last = Math.min(n, Math.max(Math.ceil(n * p + 5 * spread), 4, ...marked, ...limits));
  const first = Math.max(0, Math.min(Math.floor(n * p - 5 * spread), ...marked, ...limits));
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
};

/** One count: its bar, its number, the rounds that came out so. */
const Bar = ({ picture, k, x, step, height }: { picture: Picture; k: number; x: number; step: number; height: number }) => {
  const { rounds, predicted, n, p } = picture;
  const latest = rounds.at(-1);
  const [low, high] = usualCounts(n, p, 0.95);
  const earlier = rounds.slice(0, -1).filter((count) => count === k).length;
  const middle = x + step / 2;
  return (
    <g class={`bar-${k === latest ? 'yours' : k >= low && k <= high ? 'usual' : 'rare'}`}>
      <rect
        x={x + Math.min(1, step / 8)}
        y={HEIGHT - height}
        width={Math.max(1, step - 2)}
        height={Math.max(1, height)}
        rx={step > 6 ? 2 : 0}
      />
      {Array.from({ length: Math.min(earlier, MAX_DOTS) }, (_, i) => (
        <circle key={i} cx={middle} cy={HEIGHT - 8 - i * 11} r="4" class="earlier" />
      ))}
      {k === predicted ? (
        <text x={middle} y={HEIGHT + 29} class="axis guess">
          ▲ said
        </text>
      ) : null}
    </g>
  );
};

const Limits = ({ counts, picture: { n, p, allowed } }: { counts: readonly number[]; picture: Picture }) => {
  if (allowed === undefined) return null;
  const step = WIDTH / counts.length;
  return (
    <>
      {[p - allowed, p + allowed].map((share) => {
        const x = (n * share - (counts[0] ?? 0) + 0.5) * step;
        return (
          <g key={share} class="limit">
            <line x1={x} x2={x} y1={14} y2={HEIGHT} />
            <text x={x} y={10} class="axis">
              {Math.round(share * 100)} %
            </text>
          </g>
        );
      })}
    </>
  );
};

const shareWords = (share: number): string => `${(share * 100).toFixed(1)} %`;

const Caption = ({ picture: { n, p, rounds, of } }: { picture: Picture }) => {
  const latest = rounds.at(-1) ?? 0;
  const [low, high] = usualCounts(n, p, 0.95);
  const chance = binomial(n, p, latest);
  const sum = rounds.reduce((total, count) => total + count, 0);
  return (
    <figcaption class="small">
      <b>
        {latest.toLocaleString('en')} of {n.toLocaleString('en')} ({shareWords(latest / n)})
      </b>{' '}
      reached {of}. Exactly that many come up in {chance < 0.001 ? 'less than 0.1 %' : shareWords(chance)} of all tries; {low} to {high} are
      usual (19 tries of 20).{' '}
      {latest >= low && latest <= high ? 'Yours is one of the usual ones.' : 'Yours is one of the rare ones: it happens.'}
      {rounds.length < 2
        ? ''
        : ` Your ${rounds.length} rounds: ${rounds.join(', ')}; together ${sum} of ${rounds.length * n}, ${shareWords(sum / (rounds.length * n))}.`}
    </figcaption>
  );
};

/** The chance of each count, with the learner's own rounds in it. */
export const BinomialPicture = (picture: Picture) => {
  const { n, p, rounds, predicted } = picture;
  const counts = shownCounts(picture);
  const chances = counts.map((k) => binomial(n, p, k));
  const highest = Math.max(...chances);
  const step = WIDTH / counts.length;
  const latest = rounds.at(-1) ?? 0;
  const every = Math.ceil(counts.length / 12);
  const isNumbered = (k: number): boolean => k % every === 0 || k === rounds.at(-1) || k === predicted;
  const isCrowded = (k: number): boolean =>
    [rounds.at(-1), predicted].some((mark) => mark !== undefined && mark !== k && Math.abs(mark - k) < every * 0.8);
  return (
    <figure class="binomial">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT + 34}`}
        role="img"
        aria-label={`Chance of each count out of ${n}, with yours marked. The text below says the same.`}
      >
        {counts.map((k, i) => (
          <Bar key={k} picture={picture} k={k} x={i * step} step={step} height={((chances[i] ?? 0) / highest) * (HEIGHT - 26)} />
        ))}
        {counts.map((k, i) =>
          isNumbered(k) && (k === rounds.at(-1) || k === predicted || !isCrowded(k)) ? (
            <text key={k} x={i * step + step / 2} y={HEIGHT + 14} class={k === rounds.at(-1) ? 'axis mark' : 'axis'}>
              {k}
            </text>
          ) : null,
        )}
        <text x={(latest - (counts[0] ?? 0) + 0.5) * step} y={HEIGHT - (binomial(n, p, latest) / highest) * (HEIGHT - 26) - 5} class="mark">
          yours
        </text>
        <Limits counts={counts} picture={picture} />
      </svg>
      <Caption picture={picture} />
    </figure>
  );
};
