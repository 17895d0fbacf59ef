/** How a change goes round: one bar a proxy, as long as its acknowledgement took; a refusal in the proxy's own words. */
import { WorkloadName } from '../components/version.tsx';
import type { ChangeProgress, ProxyAnswer } from '../live/types.ts';

const ORDER = { refused: 0, waiting: 1, 'not connected': 2, acknowledged: 3 } as const;
const WORDS = { refused: 'refused, keeps what it had', waiting: 'waiting', 'not connected': 'not connected', acknowledged: '' } as const;

/** `7 of 7 proxies acknowledged version 4, the last one after 30 ms.` */
export const roundWords = ({ version, proxies, ms, settled }: ChangeProgress): string => {
  const count = (state: ProxyAnswer['state']) => proxies.filter((proxy) => proxy.state === state).length;
  const acknowledged = count('acknowledged');
  const lastMs = Math.max(0, ...proxies.map((proxy) => proxy.ms ?? 0));
  const rest = [
    count('refused') === 0 ? '' : `${count('refused')} refused it`,
    count('not connected') === 0 ? '' : `${count('not connected')} not connected`,
    count('waiting') === 0 ? '' : settled ? `${count('waiting')} did not answer in ${Math.round(ms / 1_000)} s` : 'waiting for the rest',
  ].filter((part) => part !== '');
  const when = acknowledged === proxies.length ? `, the last one after ${lastMs} ms` : '';
  return `${acknowledged} of ${proxies.length} proxies acknowledged version ${version}${when}${rest.length === 0 ? '' : `; ${rest.join(', ')}`}.`;
};

const Row = ({ answer, longest }: { answer: ProxyAnswer; longest: number }) => (
  <li class={`round-row ${answer.state.replace(' ', '-')}`}>
    <span>
      <WorkloadName name={answer.workload} />
    </span>
    <span class="round-track" aria-hidden="true">
      <span class="round-bar" style={{ width: `${Math.max(2, ((answer.ms ?? 0) / longest) * 100)}%` }} />
    </span>
    <span class="number">{answer.ms === undefined ? '–' : `${answer.ms} ms`}</span>
    {WORDS[answer.state] === '' ? null : (
      <span class="round-words">
        {WORDS[answer.state]}
        {answer.reason === undefined ? '' : `: ${answer.reason}`}
      </span>
    )}
  </li>
);

/** good once all have it, bad when some never will, muted on the way. */
export const roundTone = ({ proxies, settled }: ChangeProgress): string =>
  proxies.every(({ state }) => state === 'acknowledged') ? 'good' : settled ? 'bad' : 'muted';

/** Each proxy with its time; those that need a look come first. */
export const ChangeRound = ({ progress }: { progress: ChangeProgress }) => {
  const longest = Math.max(1, ...progress.proxies.map(({ ms }) => ms ?? 0));
  const sorted = [...progress.proxies].sort((a, b) => ORDER[a.state] - ORDER[b.state] || a.workload.localeCompare(b.workload));
  return (
    <ul class="round-list small" aria-label="The change at each proxy">
      {sorted.map((answer) => (
        <Row key={answer.workload} answer={answer} longest={longest} />
      ))}
    </ul>
  );
};
