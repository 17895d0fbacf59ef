/** How often each count comes up when n requests are drawn with chance p; the learner's own count is marked. */

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

/** n requests, chance p of `what`; observed and predicted are counts. */
export const BinomialPicture = ({
  n,
  p,
  observed,
  predicted,
}: {
  n: number;
  p: number;
  observed: number;
  predicted: number | undefined;
}) => {
  const spread = Math.sqrt(n * p * (1 - p));
  const last = Math.min(n, Math.max(Math.ceil(n * p + 5 * spread), observed, predicted ?? 0, 4));
  const first = Math.max(0, Math.min(Math.floor(n * p - 5 * spread), observed, predicted ?? last));
  const counts = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const chances = counts.map((k) => binomial(n, p, k));
  const highest = Math.max(...chances);
  const step = WIDTH / counts.length;
  const [low, high] = usualCounts(n, p, 0.95);
  const chance = binomial(n, p, observed);
  const every = Math.ceil(counts.length / 14);
  return (
    <figure class="binomial">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT + 34}`}
        role="img"
        aria-label={`Chance of each count of ${n}. Usual: ${low} to ${high}. Yours: ${observed}.`}
      >
        {counts.map((k, i) => {
          const height = ((chances[i] ?? 0) / highest) * (HEIGHT - 18);
          const kind = k === observed ? 'yours' : k >= low && k <= high ? 'usual' : 'rare';
          return (
            <g key={k} class={`bar-${kind}`}>
              <rect x={i * step + 1} y={HEIGHT - height} width={Math.max(1, step - 2)} height={Math.max(1, height)} rx="2" />
              {k === observed ? (
                <text x={i * step + step / 2} y={HEIGHT - height - 5} class="mark">
                  yours
                </text>
              ) : null}
              {k % every === 0 || k === observed || k === predicted ? (
                <text x={i * step + step / 2} y={HEIGHT + 14} class={k === observed ? 'axis mark' : 'axis'}>
                  {k}
                </text>
              ) : null}
              {k === predicted ? (
                <text x={i * step + step / 2} y={HEIGHT + 29} class="axis guess">
                  ▲ said
                </text>
              ) : null}
            </g>
          );
        })}
      </svg>
      <figcaption class="small">
        <b>
          {observed} of {n}
        </b>{' '}
        reached v2. Exactly that many come up in {chance < 0.001 ? 'less than 0.1' : (chance * 100).toFixed(1)} % of all tries; {low} to{' '}
        {high} are usual (19 tries of 20).{' '}
        {observed >= low && observed <= high ? 'Yours is one of the usual ones.' : 'Yours is one of the rare ones: it happens.'}
      </figcaption>
    </figure>
  );
};
