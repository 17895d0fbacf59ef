/** The YAML editor: CodeMirror in a shadow root, so that its styles come as adopted sheets and the content policy stays strict. */
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import { bracketMatching, HighlightStyle, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint';
import { EditorState } from '@codemirror/state';
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { Problem } from '#api/resource.ts';

/** A mounted editor. */
export interface YamlEditor {
  /** Replaces the whole text. */
  setText(text: string): void;
  /** Marks lines. */
  setProblems(problems: readonly Problem[]): void;
  /** Puts the cursor there; both are 1-based. */
  goTo(line: number, column: number): void;
  close(): void;
}

const COLOURS = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--accent)' },
  { tag: tags.string, color: 'var(--good)' },
  { tag: tags.comment, color: 'var(--muted)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--v2)' },
  { tag: tags.keyword, color: 'var(--v3)' },
]);

const LOOK = EditorView.theme({
  '&': { color: 'var(--text)', backgroundColor: 'var(--surface)', fontSize: '13px', height: '100%' },
  '.cm-content': { fontFamily: 'var(--mono)', caretColor: 'var(--text)' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.5', overflow: 'auto' },
  '.cm-gutters': { backgroundColor: 'var(--sunken)', color: 'var(--muted)', border: 'none' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'color-mix(in srgb, var(--accent) 7%, transparent)' },
  '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '-2px' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--accent-soft) !important' },
  '.cm-tooltip': { backgroundColor: 'var(--surface)', color: 'var(--text)', border: '1px solid var(--line-strong)' },
});

const positionOf = (state: EditorState, line: number, column: number): number => {
  const found = state.doc.line(Math.min(Math.max(1, line), state.doc.lines));
  return Math.min(found.to, found.from + Math.max(0, column - 1));
};

const diagnosticOf = (state: EditorState, problem: Problem): Diagnostic => {
  const from = positionOf(state, problem.line, problem.column);
  const to = Math.max(from, state.doc.lineAt(from).to);
  return { from, to, severity: problem.severity, message: problem.message };
};

/** Typing over a selection, done here: left to the browser it keeps the old text's looks in a style attribute, which the content policy refuses. */
const TYPE_OVER = EditorView.domEventHandlers({
  beforeinput: (event, view) => {
    if (event.inputType !== 'insertText' || event.data === null || view.state.selection.main.empty) return false;
    event.preventDefault();
    view.dispatch({ ...view.state.replaceSelection(event.data), scrollIntoView: true, userEvent: 'input.type' });
    return true;
  },
});

/** host: an empty element. onChange: called after each edit by a person. */
export const openYamlEditor = (host: HTMLElement, text: string, label: string, onChange: (text: string) => void): YamlEditor => {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
  let quiet = false;
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(),
        history(),
        drawSelection(),
        highlightActiveLine(),
        bracketMatching(),
        indentUnit.of('  '),
        yaml(),
        syntaxHighlighting(COLOURS),
        lintGutter(),
        LOOK,
        TYPE_OVER,
        EditorView.contentAttributes.of({ 'aria-label': label }),
        // Tab goes on to the next control, so that who passes through changes nothing; Ctrl-] and Ctrl-[ indent.
        keymap.of([...defaultKeymap, ...historyKeymap, ...lintKeymap]),
        EditorView.updateListener.of((update) => {
          if (update.docChanged && !quiet) onChange(update.state.doc.toString());
        }),
      ],
    }),
  });
  view.dom.style.height = '100%';
  view.scrollDOM.tabIndex = 0;
  return {
    setText: (fresh) => {
      if (fresh === view.state.doc.toString()) return;
      quiet = true;
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: fresh } });
      quiet = false;
    },
    setProblems: (problems) => {
      view.dispatch(
        setDiagnostics(
          view.state,
          problems.map((problem) => diagnosticOf(view.state, problem)),
        ),
      );
    },
    goTo: (line, column) => {
      view.dispatch({ selection: { anchor: positionOf(view.state, line, column) }, scrollIntoView: true });
      view.focus();
    },
    close: () => view.destroy(),
  };
};
