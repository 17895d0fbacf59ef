/** One lab: text and steps on the left, the stage on the right. */

import { useEffect, useState } from 'preact/hooks';
import { useLocation, useRoute } from 'preact-iso';
import type { LabStep } from '#labs';
import { post, wordsOf } from '../live/api.ts';
import { type LabContent, readLab } from '../live/lab-content.ts';
import { forget, openProgress, progress } from '../live/progress.ts';
import { mesh } from '../live/store.ts';
import { StepView } from './step.tsx';

const isDone = (lab: LabContent, step: LabStep): boolean => {
  const reached = progress.value[`${lab.id}#${step.id}`];
  return reached?.sent === true && (step.claims.length === 0 || reached.checked === true);
};

const Reset = ({ lab, onReset }: { lab: LabContent; onReset: () => void }) => {
  const [said, setSaid] = useState('');
  const reset = async () => {
    const startedAt = performance.now();
    try {
      const { touched } = await post<{ touched: number }>('/labs/reset');
      forget(lab.id);
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
          class={isDone(lab, step) ? 'done' : ''}
        >
          <span class="step-mark" aria-hidden="true">
            {isDone(lab, step) ? '✓' : index + 1}
          </span>
          {step.title}
          {isDone(lab, step) ? <span class="hidden-text"> (done)</span> : null}
        </a>
      </li>
    ))}
  </ol>
);

const Finished = ({ lab }: { lab: LabContent }) => {
  if (!lab.steps.every((step) => isDone(lab, step))) return null;
  return (
    <div class="notice good">
      <p>
        <b>Lab {lab.number} is done.</b> You proved {lab.steps.flatMap((step) => step.claims).join(', ')} on your own mesh. Next:{' '}
        <a href="/labs">the list of labs</a>, or change the YAML in <a href="/config">Config</a> and see what breaks.
      </p>
    </div>
  );
};

/** The page at /labs/:lab; the step is in the address. */
export const LabPage = () => {
  const { params } = useRoute();
  const { query } = useLocation();
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
  if (error !== '')
    return (
      <p class="empty">
        {error} <a href="/labs">All labs</a>
      </p>
    );
  const first = lab?.steps[0];
  if (lab === undefined || first === undefined) return <p class="empty">&nbsp;</p>;
  const current = lab.steps.find((step) => step.id === query.step) ?? lab.steps.find((step) => !isDone(lab, step)) ?? first;
  return (
    <div class="lab-page">
      <div class="lab-head">
        <div>
          <p class="small muted">
            <a href="/labs">Labs</a> · {lab.number} · about {lab.minutes} minutes
          </p>
          <h1>{lab.title}</h1>
        </div>
        <Reset lab={lab} onReset={() => setRound(round + 1)} />
      </div>
      <Steps lab={lab} current={current} />
      <Finished lab={lab} />
      <StepView key={`${lab.id} ${current.id} ${round}`} lab={lab} step={current} />
    </div>
  );
};
