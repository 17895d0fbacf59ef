/** Is it true? Every claim with its source, and a button that runs it on this very mesh. */

import { useEffect, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import type { CaseVerdict } from '#labs';
import { get, post, wordsOf } from '../live/api.ts';
import { mesh } from '../live/store.ts';

interface CaseRow {
  readonly id: string;
  readonly claim: string;
  readonly source: string;
  readonly profile: string;
  readonly apply: string;
  readonly labs: readonly string[];
}

/** A verdict in words. */
export const Verdict = ({ verdict }: { verdict: CaseVerdict }) =>
  verdict.passed ? (
    <span class="chip good">true here, {verdict.ms} ms</span>
  ) : (
    <div class="stack">
      <span class="chip bad">not so here</span>
      <pre class="code wrap">{verdict.reason}</pre>
    </div>
  );

const Case = ({ row, open }: { row: CaseRow; open: boolean }) => {
  const [verdict, setVerdict] = useState<CaseVerdict | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState('');
  const run = async () => {
    setBusy(true);
    setError('');
    try {
      setVerdict(await post<CaseVerdict>(`/cases/${encodeURIComponent(row.id)}`));
    } catch (problem) {
      setError(wordsOf(problem));
    } finally {
      setBusy(false);
    }
  };
  return (
    <li class="case" id={row.id}>
      <div class="case-what">
        <p>
          <a class="mono case-id" href={`/conformance?case=${row.id}`}>
            {row.id}
          </a>{' '}
          {row.claim}
        </p>
        <p class="small muted">{row.source}</p>
        <details open={open}>
          <summary class="small">the configuration it is about</summary>
          <pre class="code">{row.apply.trim() || 'The mesh as it starts.'}</pre>
        </details>
      </div>
      <div class="case-run">
        <button type="button" class="button" disabled={busy || mesh.value?.open !== true} onClick={run}>
          {busy ? 'Running…' : 'Run on this mesh'}
        </button>
        <div role="status">
          {verdict === undefined ? null : <Verdict verdict={verdict} />}
          {error === '' ? null : <span class="chip bad">{error}</span>}
        </div>
      </div>
    </li>
  );
};

/** All cases, by area. */
export const ConformancePage = () => {
  const { query } = useLocation();
  const [rows, setRows] = useState<readonly CaseRow[] | undefined>(undefined);
  const [error, setError] = useState('');
  const [text, setText] = useState(query.case ?? '');
  useEffect(() => {
    get<readonly CaseRow[]>('/cases').then(setRows, (problem) => setError(wordsOf(problem)));
  }, []);
  const wanted = text.toLowerCase().trim();
  const shown = (rows ?? []).filter((row) => `${row.id} ${row.claim} ${row.source}`.toLowerCase().includes(wanted));
  const areas = Map.groupBy(shown, (row) => row.id.split('-').slice(0, 2).join('-'));
  return (
    <div class="text-page">
      <h1>Conformance</h1>
      <p class="muted lead">
        Sentences that can be false, each with its source. Run one and it asks your mesh as it is configured now: it does not change
        anything, so a case about another configuration will say that it is not so here.
      </p>
      <label class="row">
        <span class="hidden-text">Search</span>
        <input
          class="field search"
          type="text"
          placeholder="Search claims, ids, sources"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <span class="small muted">{rows === undefined ? '' : `${shown.length} of ${rows.length}`}</span>
      </label>
      {error === '' ? null : <p class="notice bad">{error}</p>}
      {rows !== undefined && shown.length === 0 ? <p class="empty">No case has these words.</p> : null}
      {[...areas].map(([area, list]) => (
        <section key={area}>
          <h2 class="area mono">{area}</h2>
          <ul class="card cases">
            {list.map((row) => (
              <Case key={row.id} row={row} open={query.case === row.id} />
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
};
