/** Why a request went where it went: the rule that decided, with its lines of YAML lit. */
import { useEffect, useState } from 'preact/hooks';
import { get, wordsOf } from '../live/api.ts';
import type { LoggedExchange, RulePlace } from '../live/types.ts';

const AROUND = 2;

/** The lines round the rule; those of the rule are marked, and the deciding one is the brightest. */
const Lit = ({ place }: { place: RulePlace }) => {
  const first = Math.max(place.first, place.from - AROUND);
  const last = Math.min(place.first + place.lines.length - 1, place.to + AROUND);
  const shown = place.lines.slice(first - place.first, last - place.first + 1);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard (WCAG 2.1.1; axe scrollable-region-focusable)
    <pre class="code lit" tabIndex={0}>
      {shown.map((text, i) => {
        const line = first + i;
        const kind = line === place.line ? 'decides' : line >= place.from && line <= place.to ? 'rule' : '';
        return (
          <span key={line} class={`lit-line ${kind}`}>
            <span class="lit-number">{line}</span>
            {text}
            {'\n'}
          </span>
        );
      })}
    </pre>
  );
};

const fileName = (file: string): string => file.split('/').at(-1) || 'the API';

/** Asked again when another rule is shown. */
const usePlace = (resource: string, field: string): { readonly place: RulePlace | undefined; readonly error: string } => {
  const [place, setPlace] = useState<RulePlace | undefined>(undefined);
  const [error, setError] = useState('');
  useEffect(() => {
    setPlace(undefined);
    setError('');
    if (resource === '') return;
    get<RulePlace>(`/rule?resource=${encodeURIComponent(resource)}&field=${encodeURIComponent(field)}`).then(setPlace, (problem) =>
      setError(wordsOf(problem)),
    );
  }, [resource, field]);
  return { place, error };
};

/** The lines of a field, lit; nothing when the resource is gone. */
export const RuleLines = ({ resource, field }: { resource: string; field: string }) => {
  const { place } = usePlace(resource, field);
  return place === undefined ? null : <Lit place={place} />;
};

/** Nothing for a call that no resource decided. */
export const Why = ({ exchange }: { exchange: LoggedExchange }) => {
  const { ruleResource: resource, ruleField: field } = exchange;
  const { place, error } = usePlace(resource, field);
  if (resource === '')
    return exchange.cluster === '' ? null : (
      <p class="small muted">No rule of yours speaks of this call: the mesh sends it to the service as it is.</p>
    );
  const [kind = '', name = ''] = resource.split(' ');
  return (
    <div class="why-rule">
      <p class="small">
        <b>Why:</b> {resource} decided, <code>{field}</code>
        {place === undefined ? null : (
          <>
            ,{' '}
            <a href={`/config?resource=${encodeURIComponent(`${kind}/${name}`)}`}>
              {fileName(place.file)}:{place.line}
            </a>
            , as it is written now
          </>
        )}
        .
      </p>
      {error === '' ? null : <p class="small muted">{error}</p>}
      {place === undefined ? null : <Lit place={place} />}
    </div>
  );
};
