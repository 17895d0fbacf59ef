/** The path through the labs: what each proves, how long it takes, how far one is. */
import { useEffect } from 'preact/hooks';
import { calibrationWords, doneSteps, LABS } from '#labs';
import { openProgress, progress } from '../live/progress.ts';

/** All labs in their order. */
export const LabsPage = () => {
  useEffect(() => {
    openProgress();
  }, []);
  return (
    <div class="text-page">
      <h1>Labs</h1>
      <p class="muted lead">
        Short, on the mesh that runs beside this page. You say what will happen, make it happen, and see which rule decided.{' '}
        {calibrationWords(LABS, progress.value)}
      </p>
      <ol class="lab-list">
        {LABS.map((lab) => {
          const done = doneSteps(lab, progress.value).length;
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
