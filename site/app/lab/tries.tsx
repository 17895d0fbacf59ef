/** What became of the step's requests, try by try. */
import { useState } from 'preact/hooks';
import { openRequest } from '../components/x-ray.tsx';
import { mesh } from '../live/store.ts';
import type { SentAnswer, ToldWays } from '../live/types.ts';
import { flagWords, milliseconds } from '../live/words.ts';
import { AmplificationPicture } from '../pictures/amplification.tsx';
import { amplificationOf, combsOf } from '../pictures/comb.ts';
import { CombPicture } from '../pictures/comb-picture.tsx';

const workloadAt = (address: string): string => mesh.value?.workloads.find((workload) => workload.address === address)?.name ?? '';

const Told = ({ answer }: { answer: SentAnswer }) => (
  <p class="row">
    <span class={`chip ${answer.status >= 200 && answer.status < 500 ? 'good' : 'bad'}`}>{answer.status || 'no answer'}</span>
    <b>after {milliseconds(answer.durationMs)}</b>
    <span class="small muted">{flagWords(answer.flags) || answer.error}</span>
    {answer.requestId === '' ? null : (
      <button type="button" class="button quiet" onClick={() => openRequest(answer.requestId)}>
        Follow this request
      </button>
    )}
  </p>
);

/** ways: as told once everything had come back. */
export const TriesView = ({ answers, ways }: { answers: readonly SentAnswer[]; ways: ToldWays }) => {
  const [chosen, setChosen] = useState(0);
  const answer = answers[chosen] ?? answers[0];
  if (answer === undefined) return null;
  const { rows, spanMs } = combsOf(ways, answer.requestId, { workloadAt });
  return (
    <div class="stack" aria-live="polite">
      <AmplificationPicture asked={answers.length} edges={amplificationOf(ways)} />
      {answers.length === 1 ? null : (
        <fieldset class="segments" aria-label="Request whose tries are shown">
          {answers.map((_, index) => (
            <button key={index} type="button" aria-pressed={index === chosen} onClick={() => setChosen(index)}>
              {index + 1}
            </button>
          ))}
        </fieldset>
      )}
      <Told answer={answer} />
      {rows.length === 0 ? <p class="small muted">No proxy has told of its tries.</p> : <CombPicture rows={rows} spanMs={spanMs} />}
    </div>
  );
};
