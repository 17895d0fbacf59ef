/** What came back from the requests that a learner sent. */
import type { Round } from '#labs';
import type { SentAnswer } from '../live/types.ts';
import { flagWords, milliseconds } from '../live/words.ts';
import { WorkloadName } from './version.tsx';
import { openRequest } from './x-ray.tsx';

const MAX_SQUARES = 200;

const versionOf = (workload: string): string => /v\d+$/.exec(workload)?.[0] ?? 'other';

/** One bar a workload that answered. */
export const Tally = ({ round }: { round: Round }) => {
  const total = Object.values(round).reduce((sum, count) => sum + count, 0);
  return (
    <table class="tally">
      <caption class="hidden-text">Who answered</caption>
      <tbody>
        {Object.entries(round)
          .sort(([a], [b]) => a.localeCompare(b))
          .map(([who, count]) => (
            <tr key={who}>
              <th scope="row">{who === '' ? 'the mesh itself, or nobody' : <WorkloadName name={who} />}</th>
              <td class="tally-bar">
                <span class={`tally-fill ${versionOf(who)}`} style={{ width: `${(count / total) * 100}%` }} />
              </td>
              <td class="number">
                <b>{count.toLocaleString('en')}</b> of {total.toLocaleString('en')}
              </td>
            </tr>
          ))}
      </tbody>
    </table>
  );
};

/** Each answer as a small square in the order in which it was sent; a click shows its way. */
export const AnswerSquares = ({ answers }: { answers: readonly SentAnswer[] }) => (
  <ol class="answer-dots" aria-label="Your requests in order; each opens its own story">
    {answers.slice(0, MAX_SQUARES).map((answer, index) => {
      const version = versionOf(answer.servedBy);
      const who = answer.servedBy || answer.error || flagWords(answer.flags) || 'the mesh itself';
      const words = `Request ${index + 1}: ${who}, ${answer.status}, ${milliseconds(answer.durationMs)}`;
      return (
        <li key={index}>
          <button
            type="button"
            class={`answer ${version}`}
            title={words}
            disabled={answer.requestId === ''}
            onClick={() => openRequest(answer.requestId)}
          >
            <span aria-hidden="true">{version === 'other' ? '·' : version.slice(1)}</span>
            <span class="hidden-text">{words}</span>
          </button>
        </li>
      );
    })}
  </ol>
);
