/** One lab: text and steps on the left, the stage on the right. */

import { useEffect, useState } from 'preact/hooks';
import { useLocation, useRoute } from 'preact-iso';
import { currentStep, doneSteps, isDone, LABS, type LabStep, type Progress } from '#labs';
import { StepView } from '../lab/step.tsx';
import { post, wordsOf } from '../live/api.ts';
import { type LabContent, readLab } from '../live/lab-content.ts';
import { openProgress, progress, progressKnown, reachedIn } from '../live/progress.ts';
import { mesh } from '../live/store.ts';

const Reset = ({ lab, onReset }: { lab: LabContent; onReset: () => void }) => {
  const [said, setSaid] = useState('');
  const reset = async () => {
    const startedAt = performance.now();
    try {
      const { touched, progress: kept } = await post<{ touched: number; progress: Progress }>(`/labs/${lab.id}/reset`);
      progress.value = kept;
      onReset();
      setSaid(
        `The mesh is as it was at the start (${touched} resource${touched === 1 ? '' : 's'}, ${Math.round(performance.now() - startedAt)} ms).`,
      );
    } catch (error) {
      setSaid(wordsOf(error));
    }
  };
  return (
    <span class="row small">
      <button type="button" class="button" disabled={mesh.value?.open !== true} onClick={reset}>
        Reset lab
      </button>
      <span role="status" class="muted">
        {said}
      </span>
    </span>
  );
};

const Steps = ({ lab, current }: { lab: LabContent; current: LabStep }) => (
  <ol class="step-tabs" aria-label="Steps">
    {lab.steps.map((step, index) => (
      <li key={step.id}>
        <a
          href={`/labs/${lab.id}?step=${step.id}`}
          aria-current={step === current ? 'step' : undefined}
          class={isDone(step, reachedIn(lab, step)) ? 'done' : ''}
        >
          <span class="step-mark" aria-hidden="true">
            {isDone(step, reachedIn(lab, step)) ? '✓' : index + 1}
          </span>
          {step.title}
          {isDone(step, reachedIn(lab, step)) ? <span class="hidden-text"> (done)</span> : null}
        </a>
      </li>
    ))}
  </ol>
);

const Finished = ({ lab }: { lab: LabContent }) => {
  if (doneSteps(lab, progress.value).length < lab.steps.length) return null;
  const next = LABS[LABS.findIndex(({ id }) => id === lab.id) + 1];
  return (
    <div class="notice good" role="status">
      <p>
        <b>Lab {lab.number} is done.</b> You proved {[...new Set(lab.steps.flatMap((step) => step.claims))].join(', ')} on your own mesh. To
        go further: {lab.afterwards}.{' '}
        {next === undefined ? (
          <a href="/conformance">Every other sentence that this mesh keeps</a>
        ) : (
          <a href={`/labs/${next.id}`}>
            Next, lab {next.number}: {next.title}
          </a>
        )}
      </p>
    </div>
  );
};

/** The page at /labs/:lab; the step is in the address. */
export const LabPage = () => {
  const { params } = useRoute();
  const { query, route } = useLocation();
  const [lab, setLab] = useState<LabContent | undefined>(undefined);
  const [error, setError] = useState('');
  const [round, setRound] = useState(0);
  const id = params.lab ?? '';
  useEffect(() => {
    openProgress();
    setLab(undefined);
    setError('');
    readLab(id).then(setLab, (problem) => setError(wordsOf(problem)));
  }, [id]);
  const isOpen = lab?.id === id && progressKnown.value;
  // Chosen once, when the page opens: a step that is done must not slip away from under its reader.
  useEffect(() => {
    if (lab === undefined || !isOpen || query.step !== undefined) return;
    route(`/labs/${lab.id}?step=${currentStep(lab, progress.peek())?.id ?? ''}`, true);
  }, [lab, isOpen, query.step]);
  if (error !== '')
    return (
      <p class="empty">
        {error} <a href="/labs">All labs</a>
      </p>
    );
  const current = lab?.steps.find((step) => step.id === query.step) ?? lab?.steps[0];
  if (lab === undefined || !isOpen || current === undefined || query.step === undefined) return <p class="empty">&nbsp;</p>;
  return (
    <div class="lab-page">
      <div class="lab-head">
        <div>
          <p class="small muted">
            <a href="/labs">Labs</a> · {lab.number} · about {lab.minutes} minutes
          </p>
          <h1>{lab.title}</h1>
        </div>
        <Reset
          lab={lab}
          onReset={() => {
            setRound(round + 1);
            route(`/labs/${lab.id}?step=${lab.steps[0]?.id ?? ''}`);
          }}
        />
      </div>
      <Steps lab={lab} current={current} />
      <Finished lab={lab} />
      <StepView key={`${lab.id} ${current.id} ${round}`} lab={lab} step={current} />
    </div>
  );
};
