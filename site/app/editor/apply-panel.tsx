/** YAML to edit and apply: problems come while one types, each with its line, column and path. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApplyResult, Problem } from '#api/resource.ts';
import { change, post, wordsOf } from '../live/api.ts';
import { mesh } from '../live/store.ts';
import type { ChangeProgress } from '../live/types.ts';
import { ChangeRound, roundTone, roundWords } from './change-round.tsx';
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
  if (result.problems.some(({ severity }) => severity === 'error'))
    return 'Nothing was applied: mend the errors first. What was in force stays in force.';
  return `${result.applied.map(({ kind, name, outcome }) => `${kind} ${name} ${outcome}`).join(', ')}.`;
};

interface Said {
  readonly tone: string;
  readonly words: string;
}

/** The editor in its host and the problems of its text, asked for when typing pauses. onTyped: after every change. */
const useCheckedEditor = ({ file, text, label, onTyped }: { file: string; text: string; label: string; onTyped: () => void }) => {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<YamlEditor | undefined>(undefined);
  const current = useRef(text);
  const [problems, setProblems] = useState<readonly Problem[]>([]);

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
    let timer: ReturnType<typeof setTimeout> | undefined;
    current.current = text;
    onTyped();
    import('./yaml-editor.ts').then(({ openYamlEditor }) => {
      if (!alive || host.current === null) return;
      editor.current = openYamlEditor(host.current, current.current, label, (fresh) => {
        current.current = fresh;
        onTyped();
        clearTimeout(timer);
        timer = setTimeout(analyze, ANALYZE_AFTER_MS);
      });
      analyze();
    });
    return () => {
      alive = false;
      clearTimeout(timer);
      editor.current?.close();
      editor.current = undefined;
    };
  }, [file]);

  // What came back after applying is what stands here already: the editor, its cursor and what was said stay.
  useEffect(() => {
    if (text.trim() === current.current.trim()) return;
    current.current = text;
    editor.current?.setText(text);
    onTyped();
    analyze();
  }, [text]);

  return { host, current, problems, show, goTo: ({ line, column }: Problem) => editor.current?.goTo(line, column) };
};

const Outcome = ({ said, progress, problems }: { said: Said | undefined; progress: ChangeProgress | undefined; problems: number }) => (
  <span role="status" class="small">
    {said === undefined ? (
      <span class="muted">{problems === 0 ? 'No problem found.' : `${problems} problem${problems === 1 ? '' : 's'} found.`}</span>
    ) : (
      <span class={`said ${said.tone}`}>{said.words}</span>
    )}{' '}
    {progress === undefined ? null : <span class={`said ${roundTone(progress)}`}>{roundWords(progress)}</span>}
  </span>
);

/** text: where it starts; a new value replaces what is there. onApplied: after a change came into force. */
export const ApplyPanel = ({
  file,
  text,
  label,
  canDelete,
  waitsFor = '',
  onApplied,
}: {
  file: string;
  text: string;
  label: string;
  canDelete: boolean;
  /** Why applying must wait; empty when it need not. */
  waitsFor?: string;
  onApplied: (result: ApplyResult) => void;
}) => {
  const [said, setSaid] = useState<Said | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const [progress, setProgress] = useState<ChangeProgress | undefined>(undefined);
  const editor = useCheckedEditor({
    file,
    text,
    label,
    onTyped: () => {
      setSaid(undefined);
      setProgress(undefined);
    },
  });

  const send = async (path: '/apply' | '/delete') => {
    setBusy(true);
    setProgress(undefined);
    setSaid(undefined);
    try {
      const result = await change(path, { [file]: editor.current.current }, (early, fresh) => {
        const failed = early.problems.some(({ severity }) => severity === 'error');
        if (fresh === undefined) {
          editor.show(early.problems);
          setSaid({ tone: failed ? 'bad' : 'good', words: outcomeWords(early) });
        }
        setProgress(fresh);
      });
      if (!result.problems.some(({ severity }) => severity === 'error')) onApplied(result);
    } catch (error) {
      setSaid({ tone: 'bad', words: wordsOf(error) });
    } finally {
      setBusy(false);
    }
  };

  const allowed = mesh.value?.open === true && !busy && waitsFor === '';
  return (
    <div class="apply-panel">
      <div class="editor-host" ref={editor.host} />
      <Problems problems={editor.problems} onGo={editor.goTo} />
      <div class="row">
        <button type="button" class="button primary" disabled={!allowed} onClick={() => send('/apply')}>
          {busy ? 'Applying…' : 'Apply'}
        </button>
        {canDelete ? (
          <button type="button" class="button" disabled={!allowed} onClick={() => send('/delete')}>
            Delete
          </button>
        ) : null}
        {waitsFor === '' ? (
          <Outcome said={said} progress={progress} problems={editor.problems.length} />
        ) : (
          <span class="small muted">{waitsFor}</span>
        )}
      </div>
      {progress === undefined ? null : <ChangeRound progress={progress} />}
    </div>
  );
};
