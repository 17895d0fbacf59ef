/** Labs as the browser gets them: data, HTML and YAML in one JSON file a lab, checked against the conformance suite. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LABS, type Lab, type LabText } from '#labs';
import { openHighlighter } from './highlight.ts';
import { labHtml } from './lab-html.ts';

/** One lab with all that its page needs. */
export interface LabContent extends Lab {
  readonly text: LabText;
  /** File name → YAML. */
  readonly files: Readonly<Record<string, string>>;
}

const problemsOf = (lab: Lab, text: LabText, files: Readonly<Record<string, string>>, claims: ReadonlySet<string>): readonly string[] => {
  const problems: string[] = [];
  const proved = lab.steps.flatMap((step) => step.claims);
  if (proved.length === 0) problems.push('claims nothing that a conformance case proves');
  for (const id of proved) if (!claims.has(id)) problems.push(`claims ${id}, which is no conformance case`);
  for (const step of lab.steps) {
    const part = text.steps[step.id];
    if (part === undefined || part.do === '' || part.why === '') problems.push(`step ${step.id} lacks its text in lab.md`);
    else if (part.hints.length !== 3) problems.push(`step ${step.id} has ${part.hints.length} hints; three are wanted`);
    if (step.apply !== undefined && files[step.apply] === undefined)
      problems.push(`step ${step.id} applies ${step.apply}, which is not there`);
  }
  return problems.map((problem) => `lab ${lab.id} ${problem}`);
};

/** Gives file name → JSON text. Rejects with every problem at once. */
export const buildContent = async (root: string, claims: ReadonlySet<string>): Promise<Readonly<Record<string, string>>> => {
  const highlighter = await openHighlighter();
  const contents: LabContent[] = [];
  const problems: string[] = [];
  for (const lab of LABS) {
    const folder = join(root, 'labs', lab.id);
    const names = (await readdir(folder)).filter((name) => name.endsWith('.yaml'));
    const files = Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as const)),
    );
    const text = await labHtml(root, await readFile(join(folder, 'lab.md'), 'utf8'), highlighter.highlight);
    problems.push(...problemsOf(lab, text, files, claims));
    contents.push({ ...lab, text, files });
  }
  highlighter.close();
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return Object.fromEntries(contents.map((lab) => [`${lab.id}.json`, JSON.stringify(lab)]));
};
