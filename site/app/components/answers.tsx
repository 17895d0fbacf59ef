/** What came back from the requests that a learner sent. */
import type { SentAnswer } from '../live/types.ts';
import { flagWords, milliseconds } from '../live/words.ts';
import { WorkloadName } from './version.tsx';
import { openRequest } from './x-ray.tsx';

const bodyStart = (body: string): string => body.replace(/\s+/g, ' ').slice(0, 160);

/** Answers counted by who gave them. */
export const tally = (answers: readonly SentAnswer[]): readonly (readonly [string, number])[] => {
  const counts = new Map<string, number>();
  for (const answer of answers) {
    const who = answer.servedBy || (answer.status === 0 ? 'no answer' : 'the mesh itself');
    counts.set(who, (counts.get(who) ?? 0) + 1);
  }
  return [...counts].sort(([a], [b]) => a.localeCompare(b));
};

/** One bar a version. */
export const Tally = ({ answers }: { answers: readonly SentAnswer[] }) => (
  <table class="tally">
    <caption class="hidden-text">Who answered</caption>
    <tbody>
      {tally(answers).map(([who, count]) => (
        <tr key={who}>
          <th scope="row">
            <WorkloadName name={who} />
          </th>
          <td class="tally-bar">
            <span class={`tally-fill ${/v\d+$/.exec(who)?.[0] ?? 'other'}`} style={{ width: `${(count / answers.length) * 100}%` }} />
          </td>
          <td class="number">
            <b>{count}</b> of {answers.length}
          </td>
        </tr>
      ))}
    </tbody>
  </table>
);

/** Each answer as a small square in the order in which it was sent; a click shows its way. */
export const AnswerDots = ({ answers }: { answers: readonly SentAnswer[] }) => (
  <ol class="answer-dots" aria-label="Your requests in order">
    {answers.slice(0, 200).map((answer, index) => {
      const version = /v\d+$/.exec(answer.servedBy)?.[0] ?? 'other';
      const words = `Request ${index + 1}: ${answer.servedBy || answer.error || 'the mesh itself'}, ${answer.status}, ${milliseconds(answer.durationMs)}`;
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

/** A few answers in full. */
export const AnswerCards = ({ answers }: { answers: readonly SentAnswer[] }) => (
  <ul class="plain-list">
    {answers.slice(0, 3).map((answer) => (
      <li key={answer.requestId} class="answer-card">
        <div class="row">
          <span class={`chip ${answer.status >= 200 && answer.status < 400 ? 'good' : 'bad'}`}>{answer.status || 'no answer'}</span>
          {answer.servedBy === '' ? (
            <b>{answer.error || flagWords(answer.flags) || 'the mesh itself answered'}</b>
          ) : (
            <WorkloadName name={answer.servedBy} />
          )}
          <span class="muted small">{milliseconds(answer.durationMs)}</span>
          {answer.requestId === '' ? null : (
            <button type="button" class="button" onClick={() => openRequest(answer.requestId)}>
              Follow this request
            </button>
          )}
        </div>
        <pre class="code wrap">{bodyStart(answer.body) || '(empty body)'}</pre>
      </li>
    ))}
  </ul>
);
