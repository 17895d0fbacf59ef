/** How a program without a sidecar fared, from both ends: what it got, and what the workload's proxy noted. */
import type { SentAnswer } from '../live/types.ts';
import { flagWords, milliseconds } from '../live/words.ts';

const got = ({ status, error, body }: SentAnswer): string => {
  if (status === 0) return `no status, no body: ${error || 'the connection ended'}`;
  return `${status}${body === '' ? ', without a body' : `, ${body.slice(0, 160)}${body.length > 160 ? ' …' : ''}`}`;
};

const noted = ({ seenAs, flags, servedBy }: SentAnswer): string => {
  if (seenAs === undefined) return 'nothing yet';
  if (seenAs.refused !== '') return seenAs.refused;
  return servedBy === '' ? flagWords(flags) || 'it answered itself' : `served by ${servedBy}`;
};

/** One call from outside. */
export const OutsiderView = ({ answer }: { answer: SentAnswer }) => (
  <div class="stack" aria-live="polite">
    <p class="row">
      <span class={`chip ${answer.status >= 200 && answer.status < 400 ? 'good' : 'bad'}`}>{answer.status || 'no answer'}</span>
      <b>after {milliseconds(answer.durationMs)}</b>
    </p>
    <dl class="facts long small">
      {(
        [
          ['what the client got', got(answer)],
          ['what the workload’s proxy noted', noted(answer)],
          ['flag', answer.flags === '-' || answer.flags === '' ? 'none' : `${answer.flags} (${flagWords(answer.flags)})`],
          ['who called, as far as proved', answer.seenAs?.peer || 'nobody: there was no certificate'],
          ['connection', answer.seenAs?.tls || 'plain text'],
        ] as const
      ).map(([label, value]) => (
        <div key={label} class="fact">
          <dt>{label}</dt>
          <dd class="mono">{value}</dd>
        </div>
      ))}
    </dl>
  </div>
);
