/** The path through the labs: what each proves, how long it takes, how far one is. */
import { useEffect, useState } from 'preact/hooks';
import type { Lab } from '#labs';
import { wordsOf } from '../live/api.ts';
import { readLabs } from '../live/lab-content.ts';
import { openProgress, progress } from '../live/progress.ts';

const doneSteps = (lab: Lab): number =>
  lab.steps.filter((step) => {
    const reached = progress.value[`${lab.id}#${step.id}`];
    return reached?.sent === true && (step.claims.length === 0 || reached.checked === true);
  }).length;

const calibration = (): string => {
  const guesses = Object.values(progress.value).filter((step) => step.right !== undefined);
  if (guesses.length === 0) return '';
  const right = guesses.filter((step) => step.right === true).length;
  return `Of ${guesses.length} predictions ${right} came true. A wrong one is where something was learnt.`;
};

/** All labs in their order. */
export const LabsPage = () => {
  const [labs, setLabs] = useState<readonly Lab[]>([]);
  const [error, setError] = useState('');
  useEffect(() => {
    openProgress();
    readLabs().then(setLabs, (problem) => setError(wordsOf(problem)));
  }, []);
  return (
    <div class="text-page">
      <h1>Labs</h1>
      <p class="muted lead">
        Short, on the mesh that runs beside this page. You say what will happen, make it happen, and see which rule decided. {calibration()}
      </p>
      {error === '' ? null : <p class="notice bad">{error}</p>}
      <ol class="lab-list">
        {labs.map((lab) => {
          const done = doneSteps(lab);
          return (
            <li key={lab.id} class="card lab-card">
              <span class="lab-number" aria-hidden="true">
                {lab.number}
              </span>
              <div class="lab-what">
                <h2>
                  <a class="lab-title" href={`/labs/${lab.id}`}>
                    {lab.title}
                  </a>
                </h2>
                <p>{lab.proves}</p>
                <p class="small muted">
                  about {lab.minutes} minutes · {lab.steps.length} steps · proved by {lab.steps.flatMap((step) => step.claims).join(', ')}
                </p>
              </div>
              <div class="lab-go">
                <progress value={done} max={lab.steps.length} aria-label={`${done} of ${lab.steps.length} steps done`} />
                <span class="small muted">
                  {done} of {lab.steps.length}
                </span>
                <a class={`button${done < lab.steps.length ? ' primary' : ''}`} href={`/labs/${lab.id}`}>
                  {done === 0 ? 'Start' : done < lab.steps.length ? 'Continue' : 'Look again'}
                </a>
              </div>
            </li>
          );
        })}
      </ol>
    </div>
  );
};
