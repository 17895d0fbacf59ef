/** Requests that stay open until the learner lets them go, and the breakers that they fill. */
import { useEffect, useState } from 'preact/hooks';
import { get, post, wordsOf } from '../live/api.ts';
import { mesh } from '../live/store.ts';
import type { HeldView } from '../live/types.ts';
import { BreakerPicture } from '../pictures/breaker-picture.tsx';

const EVERY_MS = 500;

/** Asked again and again, and by each button. */
const useHeld = (first: HeldView) => {
  const [view, setView] = useState(first);
  useEffect(() => setView(first), [first]);
  useEffect(() => {
    let gone = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      const found = await get<HeldView>('/held').catch(() => undefined);
      // After "let all go" the server has forgotten them: what was seen last stays.
      if (!gone && found !== undefined && found.requests.length > 0) setView(found);
      if (!gone) timer = setTimeout(ask, EVERY_MS);
    };
    timer = setTimeout(ask, EVERY_MS);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, []);
  return [view, setView] as const;
};

const Buttons = ({ open, onView }: { open: number; onView: (view: HeldView) => void }) => {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState('');
  const release = async (count: number) => {
    setBusy(true);
    setError('');
    try {
      onView(await post<HeldView>('/held/release', { count }));
    } catch (problem) {
      setError(wordsOf(problem));
    } finally {
      setBusy(false);
    }
  };
  const button = (words: string, count: number) => (
    <button
      type="button"
      class="button"
      aria-disabled={busy}
      disabled={open === 0 || mesh.value?.open !== true}
      onClick={() => busy || release(count)}
    >
      {words}
    </button>
  );
  return (
    <div class="row">
      {button('Let one go', 1)}
      {button('Let all go', Math.max(1, open))}
      <span class="small muted">
        {open === 0 ? 'All are answered.' : `${open.toLocaleString('en')} under way; the built-in load rests meanwhile.`}
      </span>
      {error === '' ? null : <p class="notice bad small">{error}</p>}
    </div>
  );
};

/** first: as it was when all had found their place. Whoever leaves the step lets all go. */
export const HeldStage = ({ first }: { first: HeldView }) => {
  const [view, setView] = useHeld(first);
  useEffect(
    () => () => {
      post('/held/clear').catch(() => undefined);
    },
    [],
  );
  const open = view.requests.filter(({ answer }) => answer === undefined).length;
  return (
    <div class="stack">
      <Buttons open={open} onView={setView} />
      {view.breakers.map((breaker) => (
        <BreakerPicture
          key={`${breaker.from} ${breaker.cluster}`}
          view={breaker}
          requests={view.requests.filter(({ from }) => from === breaker.from)}
        />
      ))}
    </div>
  );
};
