/** A circuit breaker as places and seats behind a bar that is open or shut; the sentence and the list below have the same. */
import { ScrollRegion } from '../components/scroll-region.tsx';
import { WorkloadName } from '../components/version.tsx';
import type { BreakerView, HeldRequest } from '../live/types.ts';
import { flagWords, milliseconds } from '../live/words.ts';
import { type Seated, type Seating, seatedOf, seatingOf } from './breaker.ts';

/** More are drawn as one bar. */
const DRAWN = 12;

const Boxes = ({ title, limit, taken, kind }: { title: string; limit: number; taken: readonly Seated[]; kind: 'place' | 'seat' }) => (
  <div class="seat-group">
    <p class="small muted">{title}</p>
    <div class={`boxes for-${kind}`} aria-hidden="true">
      {Array.from({ length: Math.max(limit, taken.length) }, (_, index) => {
        const one = taken[index];
        return (
          <span key={one?.request.number ?? `free ${index}`} class={`box${one === undefined ? '' : ' taken arriving'}`}>
            {one === undefined ? '' : one.request.number}
          </span>
        );
      })}
    </div>
  </div>
);

const Meter = ({ title, used, limit, kind }: { title: string; used: number; limit: number | undefined; kind: 'place' | 'seat' }) => (
  <div class="seat-group wide">
    <p class="small muted">
      {title}: <b>{used.toLocaleString('en')}</b> {limit === undefined ? 'in use, no limit' : `of ${limit.toLocaleString('en')}`}
    </p>
    <div class={`meter-track for-${kind}`} aria-hidden="true">
      <span class="meter-fill" style={{ width: `${limit === undefined ? Math.min(100, used) : Math.min(100, (used / limit) * 100)}%` }} />
    </div>
  </div>
);

const Group = ({
  title,
  used,
  limit,
  taken,
  kind,
}: {
  title: string;
  used: number;
  limit: number | undefined;
  taken: readonly Seated[];
  kind: 'place' | 'seat';
}) =>
  limit !== undefined && limit <= DRAWN ? (
    <Boxes title={`${title}: ${used} of ${limit}`} limit={limit} taken={taken} kind={kind} />
  ) : (
    <Meter title={title} used={used} limit={limit} kind={kind} />
  );

const BAR = {
  'goes in': ['open', 'open: the next one goes in'],
  waits: ['waiting', 'half open: the next one waits'],
  'is refused': ['shut', 'shut: the next one is refused'],
} as const;

const Bar = ({ next }: { next: Seating['next'] }) => {
  const [state, words] = BAR[next];
  return (
    <div class={`seat-bar ${state}`}>
      <svg viewBox="0 0 60 60" role="img" aria-label={`The bar is ${words}`}>
        <rect class="post" x="6" y="14" width="10" height="42" />
        <rect class="beam" x="10" y="16" width="46" height="8" rx="3" />
      </svg>
      <span class="small">{words}</span>
    </div>
  );
};

const Refused = ({ refused }: { refused: readonly Seated[] }) =>
  refused.length === 0 ? null : (
    <p class="bounced small">
      <span class="chip mesh">503 UO</span> refused at once:{' '}
      {refused.length > DRAWN ? (
        <b>{refused.length.toLocaleString('en')} requests</b>
      ) : (
        refused.map(({ request: { number, answer } }, index) => (
          <span key={number}>
            {index === 0 ? '' : ', '}
            <b>{number}</b> after {milliseconds(answer?.durationMs ?? 0)}
          </span>
        ))
      )}
    </p>
  );

const WHERE: Readonly<Record<Seated['where'], string>> = {
  place: 'has a place: it is at the program, which holds it',
  seat: 'waits for a place, in its caller’s proxy',
  refused: 'refused',
  answered: 'answered',
  failed: 'failed',
};

const whereWords = ({ where, request: { answer } }: Seated): string =>
  answer === undefined
    ? WHERE[where]
    : `${WHERE[where]}: ${answer.status || answer.error}${where === 'answered' ? '' : ` (${flagWords(answer.flags)})`}`;

const Twin = ({ from, seated }: { from: string; seated: readonly Seated[] }) => (
  <ScrollRegion class="scroll-x twin" label={`Every request of ${from} in words`}>
    <table class="small">
      <caption class="hidden-text">Every request that was sent</caption>
      <thead>
        <tr>
          <th scope="col">request</th>
          <th scope="col">where it is</th>
          <th scope="col">told after</th>
        </tr>
      </thead>
      <tbody>
        {seated.map((one) => (
          <tr key={one.request.number}>
            <th scope="row">{one.request.number}</th>
            <td>{whereWords(one)}</td>
            <td class="number">{one.request.answer === undefined ? '–' : milliseconds(one.request.answer.durationMs)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </ScrollRegion>
);

const limitWords = (limit: number | undefined): string => (limit === undefined ? 'any number of' : limit.toLocaleString('en'));

/** requests: those of that breaker's caller, in their order. */
export const BreakerPicture = ({ view, requests }: { view: BreakerView; requests: readonly HeldRequest[] }) => {
  const seating = seatingOf(view);
  const seated = seatedOf(requests, seating.placesUsed);
  const at = (where: Seated['where']) => seated.filter((one) => one.where === where);
  return (
    <figure class="seats stack" aria-label={`Circuit breaker of ${view.from}`}>
      <h3>
        The proxy of <WorkloadName name={view.from} />
      </h3>
      <div class="seats-row">
        <Bar next={seating.next} />
        <Group title="seats to wait on" used={seating.seatsUsed} limit={seating.seats} taken={at('seat')} kind="seat" />
        <Group title="places" used={seating.placesUsed} limit={seating.places} taken={at('place')} kind="place" />
      </div>
      <Refused refused={at('refused')} />
      <figcaption class="small">
        <p role="status">
          {seating.placesUsed.toLocaleString('en')} of {limitWords(seating.places)} places are taken,{' '}
          {seating.seatsUsed.toLocaleString('en')} of {limitWords(seating.seats)} seats: the next request {seating.next}. Answered{' '}
          {at('answered').length.toLocaleString('en')}, refused {at('refused').length.toLocaleString('en')}.
        </p>
      </figcaption>
      <Twin from={view.from} seated={seated} />
    </figure>
  );
};
