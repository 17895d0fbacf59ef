/** Certificates of the whole mesh, and what may be done about them: put its time forward, and change the root. */
import { useState } from 'preact/hooks';
import { Certificates } from '../components/certificates.tsx';
import { post, wordsOf } from '../live/api.ts';
import { mesh } from '../live/store.ts';
import type { IdentityState } from '../live/types.ts';

/** One that changes nothing, and one past everybody's renewal: 10.8 to 13.2 hours of a life of 24. */
const HOURS = [1, 14] as const;
const STEPS = [
  ['begin', 'Make a second root'],
  ['switch', 'Let it sign'],
  ['finish', 'Drop the old root'],
] as const;

const Controls = () => {
  const [said, setSaid] = useState('');
  const [busy, setBusy] = useState(false);
  const closed = mesh.value?.open !== true || busy;
  const act = async (path: string, body: object, done: string) => {
    setBusy(true);
    try {
      await post<IdentityState>(path, body);
      setSaid(done);
    } catch (problem) {
      setSaid(wordsOf(problem));
    } finally {
      setBusy(false);
    }
  };
  return (
    <section class="card part stack" aria-label="Time and root">
      <div class="row">
        <b>Time:</b>
        {HOURS.map((hours) => (
          <button
            key={hours}
            type="button"
            class="button"
            disabled={closed}
            onClick={() => act('/clock', { hours }, `The mesh is ${hours} h further.`)}
          >
            Skip {hours} h
          </button>
        ))}
        <b>Root:</b>
        {STEPS.map(([step, words]) => (
          <button
            key={step}
            type="button"
            class="button"
            disabled={closed}
            onClick={() => act('/identity/rotation', { step }, `Done: ${words}.`)}
          >
            {words}
          </button>
        ))}
      </div>
      <p class="small muted">
        Control plane and proxies go forward together, and there is no way back but a new start. The built-in load waits for the moment of
        the jump: a request that had been on its way for hours would rightly time out.
      </p>
      <p class="small" role="status">
        {said}
      </p>
    </section>
  );
};

/** The page at /certificates. */
export const CertificatesPage = () => (
  <div class="stack">
    <h1>Certificates</h1>
    <p class="muted">
      Who certifies whom, and until when. The terminal shows the same: <code>npx dinghy ca</code>.
    </p>
    <section class="card part" aria-label="Certificates, live">
      <Certificates />
    </section>
    <Controls />
  </div>
);
