/** The way of the learner's own request: every proxy that it passed, in order, with the time that each one took note of. */
import { useEffect, useState } from 'preact/hooks';
import { WorkloadName } from '../components/version.tsx';
import { type Hop, hopsOf, openRequest } from '../components/x-ray.tsx';
import { get } from '../live/api.ts';
import type { LoggedExchange, SentAnswer } from '../live/types.ts';
import { flagWords, milliseconds, sentenceOf, toneOf } from '../live/words.ts';

const ASK_AGAIN_MS = 200;
const ASK_TIMES = 25;

/** A callee's proxy may tell a moment after the caller's. */
const isWhole = (hops: readonly Hop[]): boolean =>
  hops.length > 0 && hops.every(({ caller, callee }) => callee !== undefined || caller.upstreamHost === '');

/** Asks until both sides of every call have been told. */
const useHops = (requestId: string): readonly Hop[] => {
  const [hops, setHops] = useState<readonly Hop[]>([]);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let gone = false;
    const ask = async (left: number): Promise<void> => {
      const found = hopsOf(await get<readonly LoggedExchange[]>(`/requests/${encodeURIComponent(requestId)}`));
      if (gone) return;
      setHops(found);
      if (!isWhole(found) && left > 0) timer = setTimeout(() => ask(left - 1).catch(() => undefined), ASK_AGAIN_MS);
    };
    // Without an answer nothing is drawn; the frame says that the mesh is away.
    if (requestId !== '') ask(ASK_TIMES).catch(() => undefined);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [requestId]);
  return hops;
};

const Program = ({ name }: { name: string }) => (
  <span class="hop-program">
    <span class="small muted">program</span>
    <WorkloadName name={name} />
  </span>
);

const PassedProxy = ({ of, said }: { of: string; said: LoggedExchange | undefined }) => (
  <span class="hop-proxy">
    <span class="small">{of}</span>
    <b>{said === undefined ? '…' : milliseconds(said.durationMs)}</b>
    <span class="small">{said?.side ?? ''}</span>
  </span>
);

const Arrow = () => (
  <span class="hop-arrow" aria-hidden="true">
    →
  </span>
);

const Way = ({ hop: { caller, callee } }: { hop: Hop }) => {
  const isGateway = caller.side === 'gateway';
  return (
    <div class="hop-way">
      {isGateway ? <span class="hop-program">you, outside</span> : <Program name={caller.reporter} />}
      <Arrow />
      <PassedProxy of={isGateway ? 'gateway' : 'its sidecar'} said={caller} />
      {caller.upstreamHost === '' ? (
        <span class="hop-program mesh">goes no further: {flagWords(caller.flags) || 'the proxy answered itself'}</span>
      ) : (
        <>
          <Arrow />
          <PassedProxy of="sidecar" said={callee} />
          <Arrow />
          <Program name={caller.to} />
        </>
      )}
    </div>
  );
};

const SmallPrint = ({ caller }: { caller: LoggedExchange }) => (
  <dl class="facts small">
    {(
      [
        ['route', caller.route],
        ['cluster', caller.cluster],
        ['host chosen', caller.upstreamHost],
      ] as const
    ).map(([label, value]) =>
      value === '' || value === '-' ? null : (
        <div key={label} class="fact">
          <dt>{label}</dt>
          <dd class="mono">{value}</dd>
        </div>
      ),
    )}
  </dl>
);

/** One request: its calls in the order in which they began. Each proxy's time holds everything behind it. */
export const OwnHops = ({ answer }: { answer: SentAnswer }) => {
  const hops = useHops(answer.requestId);
  return (
    <div class="stack" aria-live="polite">
      <p class="row">
        <span class={`chip ${answer.status >= 200 && answer.status < 400 ? 'good' : 'bad'}`}>{answer.status || 'no answer'}</span>
        {answer.error === '' ? <b>after {milliseconds(answer.durationMs)}</b> : <b>{answer.error}</b>}
        {answer.requestId === '' ? null : (
          <button type="button" class="button" onClick={() => openRequest(answer.requestId)}>
            Follow this request
          </button>
        )}
      </p>
      <ol class="own-hops" aria-label="Calls of your request">
        {hops.map((hop) => (
          <li key={hop.caller.seq} class={`own-hop ${toneOf(hop.caller)}`}>
            <p class="small">
              <b class="mono">
                {hop.caller.method} {hop.caller.path}
              </b>{' '}
              <span class="muted">{sentenceOf(hop.caller)}</span>
            </p>
            <Way hop={hop} />
            <SmallPrint caller={hop.caller} />
          </li>
        ))}
      </ol>
      {hops.length === 0 ? null : (
        <p class="small muted">
          The times are what each proxy measured, to the millisecond, and hold everything behind it: program, further calls and all.
        </p>
      )}
    </div>
  );
};
