/** The learner's own request, byte by byte: before and after its encryption, how the connection began, and who is at its ends. */
import { type Frame, filmOf } from '#labs';
import { WorkloadName } from '../components/version.tsx';
import type { SentAnswer, ShownCertificate, WireCapture, WireStory } from '../live/types.ts';
import { milliseconds, percent, timeOf } from '../live/words.ts';
import { HexPane } from './hex-pane.tsx';

const FrameView = ({ frame }: { frame: Frame }) => (
  <li class={`film-frame ${frame.from} ${frame.isReadable ? 'readable' : 'secret'}`}>
    <p class="small muted">{frame.from === 'caller' ? 'caller →' : '← callee'}</p>
    <p>
      <b>{frame.title}</b>
    </p>
    <p class="small">{frame.words}</p>
    <p class="small">
      <span class="chip">{frame.isReadable ? 'anybody can read it' : 'encrypted'}</span>{' '}
      <span class="muted number">{frame.size.toLocaleString('en')} bytes</span>
    </p>
  </li>
);

const Film = ({ capture }: { capture: WireCapture }) => {
  const frames = filmOf(capture);
  if (frames.length === 0)
    return (
      <p class="notice warn small">
        No handshake: the first byte on this connection is the request’s own. Between the proxies everything is readable.
      </p>
    );
  return (
    <section aria-label="How the connection began">
      <h3>How this connection began</h3>
      <ol class="film">
        {frames.map((frame, i) => (
          <FrameView key={i} frame={frame} />
        ))}
      </ol>
      <p class="small muted">The tap hears each direction for itself; the order of the two is that of the protocol.</p>
    </section>
  );
};

const CertificateCard = ({ certificate }: { certificate: ShownCertificate }) => (
  <div class="certificate">
    <h4>
      <WorkloadName name={certificate.workload} />
    </h4>
    <dl class="facts small">
      {(
        [
          ['identity', certificate.spiffeId],
          ['serial', certificate.serial],
          ['valid from', timeOf(certificate.validFrom)],
          [
            'until',
            `${certificate.expiresAt.slice(0, 10)} ${timeOf(certificate.expiresAt)}, ${percent(certificate.left)} of its life left`,
          ],
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

const Proved = ({ story }: { story: WireStory }) => (
  <dl class="facts long small">
    <div class="fact">
      <dt>the callee’s proxy says who called</dt>
      <dd class="mono">{story.callerProved || 'nobody that it knows: plain text proves nothing'}</dd>
    </div>
    <div class="fact">
      <dt>from the address</dt>
      <dd class="mono">{story.calledFrom || 'not told'}</dd>
    </div>
    <div class="fact">
      <dt>the caller’s proxy says who answered</dt>
      <dd class="mono">{story.calleeProved || 'nobody that it knows'}</dd>
    </div>
    <div class="fact">
      <dt>connection</dt>
      <dd class="mono">{story.tls === '' ? 'plain text' : `${story.tls}, mutual`}</dd>
    </div>
  </dl>
);

const Panes = ({ capture, shows }: { capture: WireCapture; shows: 'between' | 'delivered' }) => (
  <>
    <div class="hex-panes">
      <HexPane title={`From the program of ${capture.caller} to its proxy`} wire={capture.asked} />
      {shows === 'between' ? (
        <HexPane title="The same request, between the two proxies" wire={capture.sent} />
      ) : (
        <HexPane title={`From its proxy to the program of ${capture.callee}`} wire={capture.delivered} />
      )}
    </div>
    <p class="small muted">
      Recorded at the sockets of both proxies: <span class="mono">{capture.ends.join(' → ')}</span>.{' '}
      {capture.isSameAtCallee
        ? 'The proxy of the callee read exactly the bytes that the caller’s wrote. '
        : 'The two ends recorded different amounts: one of them was read a moment earlier. '}
      The proxy adds headers of its own, so the request is a little longer behind it.
    </p>
  </>
);

/** What a step about the wire shows of one request. */
export const WireView = ({
  answer,
  story,
  shows,
}: {
  answer: SentAnswer | undefined;
  story: WireStory;
  shows: 'between' | 'delivered';
}) => (
  <div class="stack" aria-live="polite">
    {answer === undefined ? null : (
      <p class="row">
        <span class={`chip ${answer.status >= 200 && answer.status < 400 ? 'good' : 'bad'}`}>{answer.status || 'no answer'}</span>
        <b>{answer.error || `after ${milliseconds(answer.durationMs)}`}</b>
        {answer.servedBy === '' ? null : <WorkloadName name={answer.servedBy} />}
      </p>
    )}
    {story.missing === '' ? null : <p class="notice warn small">{story.missing}</p>}
    {story.capture === undefined ? null : <Panes capture={story.capture} shows={shows} />}
    {story.capture === undefined || shows === 'delivered' ? null : <Film capture={story.capture} />}
    <section aria-label="Who is at the ends">
      <h3>Who is at the ends</h3>
      <Proved story={story} />
      <div class="certificates">
        {story.certificates.map((certificate) => (
          <CertificateCard key={certificate.workload} certificate={certificate} />
        ))}
      </div>
    </section>
  </div>
);
