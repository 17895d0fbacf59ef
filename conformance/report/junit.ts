/** Verdicts as JUnit XML, one suite a cell. */
import { cellName, type Verdict } from '../verify.ts';
import { totalsOf } from './summary.ts';

const ESCAPES: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;' };

// XML 1.0 has no way to write most control characters, and raw bytes of a wire may contain any of them.
const xmlText = (text: string): string =>
  [...text].map((char) => ESCAPES[char] ?? (char < ' ' && char !== '\n' && char !== '\t' ? '\ufffd' : char)).join('');

const outcomeElement = (verdict: Verdict): string => {
  if (verdict.outcome === 'failed') return `<failure message="${xmlText(verdict.claim)}">${xmlText(verdict.text)}</failure>`;
  return verdict.outcome === 'skipped' ? `<skipped message="${xmlText(verdict.text)}"/>` : '';
};

const caseElement = (verdict: Verdict): string =>
  `    <testcase classname="${xmlText(verdict.id)}" name="${xmlText(verdict.claim)}" time="${verdict.durationMs / 1000}">${outcomeElement(verdict)}</testcase>`;

/** A whole file. */
export const junitReport = (verdicts: readonly Verdict[]): string => {
  const cells = Object.groupBy(verdicts, ({ cell }) => cellName(cell));
  const suites = Object.entries(cells).map(([cell, own = []]) => {
    const { failed, skipped } = totalsOf(own);
    const head = `  <testsuite name="${cell}" tests="${own.length}" failures="${failed}" skipped="${skipped}">`;
    return `${head}\n${own.map(caseElement).join('\n')}\n  </testsuite>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${suites.join('\n')}\n</testsuites>\n`;
};
