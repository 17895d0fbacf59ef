/** YAML to edit and apply: problems come while one types, each with its line, column and path. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApplyResult, Problem } from '#api/resource.ts';
import { post, wordsOf } from '../live/api.ts';
import { mesh } from '../live/store.ts';
import type { YamlEditor } from './yaml-editor.ts';

const ANALYZE_AFTER_MS = 350;

/** One line a problem; a click goes there. */
export const Problems = ({ problems, onGo }: { problems: readonly Problem[]; onGo: (problem: Problem) => void }) => (
  <ul class="problems" aria-label="Problems">
    {problems.map((problem) => (
      <li key={`${problem.file} ${problem.line} ${problem.column} ${problem.path} ${problem.message}`}>
        <button type="button" class="button plain problem" onClick={() => onGo(problem)}>
          <span class={`chip ${problem.severity === 'error' ? 'bad' : problem.severity === 'warning' ? 'warn' : ''}`}>
            {problem.severity}
            {problem.code === '' ? '' : ` ${problem.code}`}
          </span>
          <span class="mono small">
            {problem.line}:{problem.column}
          </span>
          <span>
            {problem.message} {problem.path === '' ? null : <code>{problem.path}</code>}
          </span>
        </button>
      </li>
    ))}
  </ul>
);

const outcomeWords = (result: ApplyResult): string => {
  if (result.applied.length === 0) return 'Nothing was applied: mend the errors first. What was in force stays in force.';
  const list = result.applied.map(({ kind, name, outcome }) => `${kind} ${name} ${outcome}`).join(', ');
  return `${list}. In force from version ${result.version}.`;
};

/** text: where it starts; a new value replaces what is there. onApplied: after a change came into force. */
export const ApplyPanel = ({
  file,
  text,
  label,
  canDelete,
  onApplied,
}: {
  file: string;
  text: string;
  label: string;
  canDelete: boolean;
  onApplied: (result: ApplyResult) => void;
}) => {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<YamlEditor | undefined>(undefined);
  const current = useRef(text);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const [problems, setProblems] = useState<readonly Problem[]>([]);
  const [said, setSaid] = useState<{ tone: string; words: string } | undefined>(undefined);
  const [busy, setBusy] = useState(false);

  const show = (found: readonly Problem[]) => {
    setProblems(found);
    editor.current?.setProblems(found);
  };
  const analyze = () => {
    if (mesh.value?.open !== true || current.current.trim() === '') return show([]);
    const asked = current.current;
    post<readonly Problem[]>('/analyze', { files: { [file]: asked } }).then(
      (found) => asked === current.current && show(found),
      // Said when the learner applies; while typing, silence is kinder.
      () => undefined,
    );
  };

  useEffect(() => {
    let alive = true;
    current.current = text;
    setSaid(undefined);
    import('./yaml-editor.ts').then(({ openYamlEditor }) => {
      if (!alive || host.current === null) return;
      editor.current = openYamlEditor(host.current, text, label, (fresh) => {
        current.current = fresh;
        setSaid(undefined);
        clearTimeout(timer.current);
        timer.current = setTimeout(analyze, ANALYZE_AFTER_MS);
      });
      analyze();
    });
    return () => {
      alive = false;
      clearTimeout(timer.current);
      editor.current?.close();
      editor.current = undefined;
    };
  }, [file, text]);

  const change = async (path: '/apply' | '/delete') => {
    setBusy(true);
    try {
      const result = await post<ApplyResult>(path, { files: { [file]: current.current } });
      show(result.problems);
      const failed = result.problems.some((problem) => problem.severity === 'error');
      setSaid({ tone: failed ? 'bad' : 'good', words: outcomeWords(result) });
      if (!failed) onApplied(result);
    } catch (error) {
      setSaid({ tone: 'bad', words: wordsOf(error) });
    } finally {
      setBusy(false);
    }
  };

  const allowed = mesh.value?.open === true && !busy;
  return (
    <div class="apply-panel">
      <div class="editor-host" ref={host} />
      <Problems problems={problems} onGo={(problem) => editor.current?.goTo(problem.line, problem.column)} />
      <div class="row">
        <button type="button" class="button primary" disabled={!allowed} onClick={() => change('/apply')}>
          Apply
        </button>
        {canDelete ? (
          <button type="button" class="button" disabled={!allowed} onClick={() => change('/delete')}>
            Delete
          </button>
        ) : null}
        <span role="status" class={said === undefined ? 'muted small' : `small said ${said.tone}`}>
          {said?.words ??
            (problems.length === 0 ? 'No problem found.' : `${problems.length} problem${problems.length === 1 ? '' : 's'} found.`)}
        </span>
      </div>
    </div>
  );
};
