/** Who a workload is, and for how long that holds; and who is at the two ends of a line. */
import type { LoggedExchange, ShownCertificate } from '../live/types.ts';
import { useFresh } from '../live/use-fresh.ts';
import { percent } from '../live/words.ts';

const ASK_EVERY_MS = 3_000;

const useCertificates = (): readonly ShownCertificate[] => useFresh<readonly ShownCertificate[]>('/certificates', ASK_EVERY_MS).value ?? [];

/** `2026-11-25 16:41:22 UTC` */
const until = (iso: string): string => `${iso.replace('T', ' ').replace('Z', '')} UTC`;

const Life = ({ left }: { left: number }) => (
  <span class="life">
    <span class="life-track" aria-hidden="true">
      <span class={`life-left${left < 0.2 ? ' short' : ''}`} style={{ width: `${left * 100}%` }} />
    </span>{' '}
    {percent(left)} of its life left
  </span>
);

/** One workload's; nothing for one that shows no certificate. */
export const IdentityLine = ({ name }: { name: string }) => {
  const certificate = useCertificates().find(({ workload }) => workload === name);
  if (certificate === undefined) return null;
  return (
    <p class="small identity">
      <span class="mono">{certificate.spiffeId}</span>
      <br />
      <Life left={certificate.left} /> <span class="muted">until {until(certificate.expiresAt)}</span>
    </p>
  );
};

/** Both ends of a line, as the last call that reached somebody proved them. words: of the padlock. */
export const EdgeIdentities = ({
  from,
  to,
  last,
  words,
}: {
  from: string;
  to: string;
  last: LoggedExchange | undefined;
  words: string;
}) => {
  const certificates = useCertificates();
  const caller = certificates.find(({ workload }) => workload === from);
  const callee = certificates.find(({ workload }) => workload === to);
  const isMutual = last?.security === 'mutual_tls';
  const facts = [
    ['wire', words || 'no call in ten seconds'],
    [
      'last call',
      last === undefined
        ? ''
        : last.upstreamTls === ''
          ? 'plain text'
          : `${last.upstreamTls}${isMutual ? ', both ends proved who they are' : ''}`,
    ],
    ['caller', isMutual || last === undefined ? (caller?.spiffeId ?? '') : 'nobody: plain text proves nothing'],
    ['callee', last === undefined ? (callee?.spiffeId ?? '') : last.upstreamPeer || 'nobody: plain text proves nothing'],
    ['its serial', callee?.serial ?? ''],
    ['its end', callee === undefined ? '' : `${until(callee.expiresAt)}, ${percent(callee.left)} left`],
  ] as const;
  return (
    <dl class="facts small" aria-label="Who is at the ends">
      {facts.map(([label, value]) =>
        value === '' ? null : (
          <div key={label} class="fact">
            <dt>{label}</dt>
            <dd class="mono">{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
};
