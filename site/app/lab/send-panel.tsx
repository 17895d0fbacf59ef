/** Sends requests as a program of the mesh would; everything that a step sends can be changed. */
import { useState } from 'preact/hooks';
import type { LabSend, LabStep } from '#labs';
import { post, wordsOf } from '../live/api.ts';
import { mesh } from '../live/store.ts';
import type { HeldView, SentAnswer, ToldWays, WireStory } from '../live/types.ts';

/** What came back from one press of the button. */
export interface Sent {
  readonly answers: readonly SentAnswer[];
  /** Of a request that the taps listened to. */
  readonly story?: WireStory;
  /** Of requests whose tries are drawn. */
  readonly ways?: ToldWays;
  /** Of requests that stay open. */
  readonly held?: HeldView;
}

/** What the server tells at once. */
const MOST_WAYS = 50;

const headersOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
      .map((line) => {
        const colon = line.indexOf(':');
        return colon < 0 ? [line, ''] : [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
      }),
  );

const Sender = ({ from }: { from: string }) => (
  <p class="small muted">
    {from === 'gateway' ? (
      <>
        From outside, through the gateway at <code>{mesh.value?.gateways[0]?.url ?? ''}</code>
      </>
    ) : from === 'outside' ? (
      <>From a program outside the mesh: plain text, straight to the workload’s own address, past every caller’s proxy</>
    ) : (
      <>
        As a call of <b>{from}</b>
      </>
    )}
  </p>
);

const CountField = ({ count, onCount }: { count: number; onCount: (count: number) => void }) => (
  <label>
    <span class="small muted">times</span>
    <input
      class="field count"
      type="text"
      inputMode="numeric"
      autoComplete="off"
      value={count}
      onInput={(event) => onCount(Number(event.currentTarget.value))}
    />
  </label>
);

const HeadersField = ({ rows, text, onText }: { rows: number; text: string; onText: (text: string) => void }) => (
  <label class="small">
    <span class="muted">headers, one a line</span>
    <textarea class="field mono headers" rows={rows} value={text} onInput={(event) => onText(event.currentTarget.value)} />
  </label>
);

/** One that is still under way is counted as `held`. */
const UNDER_WAY: SentAnswer = { status: 0, durationMs: 0, body: '', error: '', requestId: '', servedBy: 'held', flags: '' };

const hold = async ({ stage }: LabStep, order: LabSend): Promise<Sent> => {
  await post('/held/clear');
  if (stage.kind === 'held' && stage.before !== undefined) await post('/held', { ...stage.before });
  let held = await post<HeldView>('/held', { ...order });
  const own = held.requests.slice(-order.count);
  if (stage.kind === 'held' && stage.release !== undefined) held = await post<HeldView>('/held/release', { count: stage.release });
  return { answers: own.map(({ answer }) => answer ?? UNDER_WAY), held };
};

const deliver = async (step: LabStep, order: LabSend): Promise<Sent> => {
  const { stage } = step;
  if (stage.kind === 'held') return hold(step, order);
  if (stage.kind === 'wire') return post<Sent>('/wire', { ...order, method: 'GET' });
  const answers = await post<readonly SentAnswer[]>('/send', { ...order, method: order.method ?? 'GET' });
  if (stage.kind !== 'tries') return { answers };
  const ids = answers.map(({ requestId }) => requestId).filter((id) => id !== '');
  return { answers, ways: await post<ToldWays>('/ways', { ids: ids.slice(0, MOST_WAYS) }) };
};

/** What is sent: as the step says, with what the reader changed. */
const orderOf = ({ from, method, meanwhile, alone }: LabSend, typed: Pick<LabSend, 'url' | 'headers' | 'count'>): LabSend => ({
  from,
  ...typed,
  ...(method && { method }),
  ...(meanwhile && { meanwhile }),
  ...(alone && { alone }),
});

const SendButton = ({ busy, disabled, count }: { busy: boolean; disabled: boolean; count: number }) => (
  <button type="submit" class="button primary" aria-disabled={busy} disabled={disabled} aria-describedby="send-waits">
    {busy ? 'Sending…' : count === 1 ? 'Send it' : `Send ${count}`}
  </button>
);

/** locked: why the button does nothing yet; empty when it works. */
export const SendPanel = ({
  step,
  locked,
  onAnswers,
}: {
  step: LabStep;
  locked: string;
  onAnswers: (sent: Sent, order: LabSend) => Promise<void>;
}) => {
  const { send } = step;
  const [count, setCount] = useState(send.count);
  const [url, setUrl] = useState(send.url);
  const [headers, setHeaders] = useState(
    Object.entries(send.headers)
      .map(([name, value]) => `${name}: ${value}`)
      .join('\n'),
  );
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState('');
  const go = async () => {
    setBusy(true);
    setError('');
    try {
      const order = orderOf(send, { url, headers: headersOf(headers), count });
      await onAnswers(await deliver(step, order), order);
    } catch (problem) {
      setError(wordsOf(problem));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      class="send"
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy) go();
      }}
    >
      <Sender from={send.from} />
      <div class="send-line">
        <label>
          <span class="small muted">{send.method ?? 'GET'}</span>
          <input class="field mono" value={url} onInput={(event) => setUrl(event.currentTarget.value)} aria-label="Address" />
        </label>
        <CountField count={count} onCount={setCount} />
        <SendButton busy={busy} disabled={locked !== '' || mesh.value?.open !== true} count={count} />
      </div>
      <HeadersField rows={Math.max(1, Object.keys(send.headers).length)} text={headers} onText={setHeaders} />
      <p class="small muted" id="send-waits" role="status">
        {locked}
      </p>
      {error === '' ? null : (
        <p class="notice bad" role="alert">
          {error}
        </p>
      )}
    </form>
  );
};
