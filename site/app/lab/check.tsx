/** Is it true on this very mesh? Runs the step's conformance cases, and those of the steps before it. */
import { useState } from 'preact/hooks';
import type { CaseVerdict, LabStep, Round, StepVerdict } from '#labs';
import { Tally } from '../components/answers.tsx';
import { BinomialPicture } from '../components/binomial.tsx';
import { post, wordsOf } from '../live/api.ts';
import type { LabContent } from '../live/lab-content.ts';
import { openProgress, reachedIn } from '../live/progress.ts';
import { mesh } from '../live/store.ts';

const ALLOWED_POINTS = 0.03;

const OneVerdict = ({ verdict }: { verdict: CaseVerdict }) => (
  <div class="stack">
    <p class="row">
      <span class={`chip ${verdict.passed ? 'good' : 'bad'}`}>{verdict.passed ? 'true on your mesh' : 'not true on your mesh'}</span>
      <span class="mono small">{verdict.id}</span> <span class="small muted">{verdict.ms} ms</span>
    </p>
    {verdict.passed ? null : <pre class="code wrap">{verdict.reason}</pre>}
  </div>
);

const Causes = ({ causes }: { causes: readonly string[] }) =>
  causes.length === 0 ? (
    <p class="notice warn">The configuration is what this step wants. Read what was seen:</p>
  ) : (
    <div class="notice bad">
      <p>
        <b>Most likely the cause:</b>
      </p>
      <ul>
        {causes.map((cause) => (
          <li key={cause}>{cause}</li>
        ))}
      </ul>
    </div>
  );

/** Where the check's own requests went; for a step about chance, beside what chance gives. */
const Answered = ({ step, answered }: { step: LabStep; answered: Round }) => {
  const total = Object.values(answered).reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const { stage } = step;
  return (
    <div class="stack">
      <p class="small muted">Where the {total.toLocaleString('en')} requests of the check went:</p>
      <Tally round={answered} />
      {stage.kind === 'chance' ? (
        <BinomialPicture n={total} p={stage.share} rounds={[answered[stage.of] ?? 0]} of={stage.of} allowed={ALLOWED_POINTS} />
      ) : null}
    </div>
  );
};

/** The button, and what the cases said. */
export const Check = ({ lab, step }: { lab: LabContent; step: LabStep }) => {
  const [verdict, setVerdict] = useState<StepVerdict | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState('');
  const check = async () => {
    setBusy(true);
    setError('');
    try {
      const found = await post<StepVerdict>(`/labs/${lab.id}/steps/${step.id}/check`);
      setVerdict(found);
      // The earlier steps were checked too.
      await openProgress();
    } catch (problem) {
      setError(wordsOf(problem));
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="stack">
      <p class="small muted">
        Runs{' '}
        {step.claims.map((id) => (
          <a key={id} class="mono" href={`/conformance?case=${id}`}>
            {id}
          </a>
        ))}{' '}
        and the cases of earlier steps, on your mesh as it is now.
      </p>
      <div class="row">
        <button
          type="button"
          class="button primary"
          aria-disabled={busy}
          disabled={mesh.value?.open !== true}
          onClick={() => busy || check()}
        >
          {busy ? 'Asking your mesh…' : 'Check'}
        </button>
        {reachedIn(lab, step)?.checked === true && verdict === undefined ? <span class="chip good">held before</span> : null}
      </div>
      <div role="status" class="stack">
        {verdict === undefined || verdict.passed ? null : <Causes causes={verdict.causes} />}
        {verdict?.verdicts.map((one) => (
          <OneVerdict key={one.id} verdict={one} />
        ))}
        {verdict === undefined ? null : <Answered step={step} answered={verdict.answered} />}
        {error === '' ? null : <p class="notice bad">{error}</p>}
      </div>
    </div>
  );
};
