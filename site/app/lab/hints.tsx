/** Three hints, from a nudge to the answer, one at a time. */
import { Html } from '../components/html.tsx';

/** used: how many are shown. */
export const Hints = ({ hints, used, onHint }: { hints: readonly string[]; used: number; onHint: () => void }) => (
  <div class="hints" aria-live="polite">
    {hints.slice(0, used).map((hint, index) => (
      <p key={hint} class="notice small">
        <b>Hint {index + 1}.</b> <Html html={hint} inline />
      </p>
    ))}
    {used < hints.length ? (
      <button type="button" class="button quiet" onClick={onHint}>
        {used === 0 ? 'Hint' : used + 1 === hints.length ? 'Tell me' : 'Another hint'} ({used + 1} of {hints.length})
      </button>
    ) : null}
  </div>
);
