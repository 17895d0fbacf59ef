/** Labs as text for a terminal: the same lab.md that the page shows. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  isRevealed,
  type Lab,
  type LabStep,
  outcomeWords,
  type Round,
  readLabText,
  type StepProgress,
  type StepText,
  type StepVerdict,
} from '#labs';
import type { ToldCall } from './lab-site.ts';
import { table } from './output.ts';

const WIDTH = 96;
const LABS_FOLDER = fileURLToPath(new URL('../labs', import.meta.url));

const wrapped = (paragraph: string): string => {
  const lines: string[] = [];
  for (const word of paragraph.split(/\s+/)) {
    const line = lines.at(-1);
    if (line === undefined || line.length + word.length + 1 > WIDTH) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines.join('\n');
};

/** Markdown of a lab → text: quotes become places to look at, links their names, emphasis nothing. */
export const plain = (markdown: string): string =>
  markdown
    .replace(/^@quote (\S+)#(\S+)$/gm, 'See $2 in $1.')
    .replace(/\[([^\]]+)\]\([^)]+\)/g, '$1')
    .replace(/\*\*([^*]+)\*\*/g, '$1')
    .replace(/(^|[^\w`])_([^_`]+)_(?![\w`])/g, '$1$2')
    .split(/\n{2,}/)
    .map(wrapped)
    .join('\n\n');

/** Text of a lab and of one of its steps. */
export const textOf = (lab: Lab, step: LabStep): { readonly intro: string; readonly step: StepText } => {
  const { intro, steps } = readLabText(readFileSync(`${LABS_FOLDER}/${lab.id}/lab.md`, 'utf8'));
  return { intro, step: steps[step.id] ?? { do: '', why: '', hints: [] } };
};

/** File of a step as one types it, from the project's folder. */
export const fileOf = (lab: Lab, step: LabStep): string | undefined =>
  step.apply === undefined ? undefined : `labs/${lab.id}/${step.apply}`;

const question = ({ predict }: LabStep): readonly string[] =>
  predict.kind === 'count'
    ? [`${predict.question} (0 to ${predict.max})`]
    : [predict.question, ...predict.options.map((option, index) => `  ${index + 1}  ${option}`)];

const saidWords = ({ predict }: LabStep, predicted: number): string =>
  predict.kind === 'count' ? String(predicted) : (predict.options[predicted] ?? String(predicted));

/** What to type next. */
export const nextWords = (lab: Lab, step: LabStep, reached: StepProgress | undefined): string => {
  const verb = `npx dinghy lab`;
  if (reached?.predicted === undefined) return `Answer with:  ${verb} predict ${lab.number} ANSWER --step ${step.id}`;
  const file = fileOf(lab, step);
  if (!isRevealed(reached) && file !== undefined)
    return `Then:  npx dinghy apply -f ${file} && ${verb} observe ${lab.number} --step ${step.id}`;
  if (!isRevealed(reached)) return `Then:  ${verb} observe ${lab.number} --step ${step.id}`;
  const next = lab.steps[lab.steps.indexOf(step) + 1];
  if (step.claims.length > 0 && reached.checked !== true) return `Prove it:  ${verb} check ${lab.number} --step ${step.id}`;
  return next === undefined
    ? `That was lab ${lab.number}. To go further: ${lab.afterwards}.`
    : `Next:  ${verb} start ${lab.number} --step ${next.id}`;
};

/** Where a learner is: what to do, the question, and the answer when there is one. */
export const stepWords = (lab: Lab, step: LabStep, reached: StepProgress | undefined): string => {
  const text = textOf(lab, step);
  const number = lab.steps.indexOf(step) + 1;
  const file = fileOf(lab, step);
  return [
    `Lab ${lab.number}: ${lab.title}`,
    `Step ${number} of ${lab.steps.length}: ${step.title}`,
    ...(number === 1 ? ['', plain(text.intro)] : []),
    '',
    plain(text.step.do),
    ...(file === undefined ? [] : [`The file: ${file}`]),
    '',
    ...question(step),
    ...(reached?.predicted === undefined ? [] : [`Your answer: ${saidWords(step, reached.predicted)}`]),
    ...(isRevealed(reached) ? ['', outcomeWords(step, reached), '', plain(text.step.why)] : []),
    '',
    nextWords(lab, step, reached),
  ].join('\n');
};

/** Who answered how often. */
export const roundWords = (round: Round): string => {
  const total = Object.values(round).reduce((sum, count) => sum + count, 0);
  const rows = Object.entries(round).sort(([a], [b]) => a.localeCompare(b));
  return table(
    ['ANSWERED BY', 'REQUESTS', 'SHARE'],
    rows.map(([who, count]) => [who || '(the mesh itself, or nobody)', String(count), `${((count / total) * 100).toFixed(1)} %`]),
  );
};

/** Each proxy that a request passed, with the time that it measured. */
export const wayWords = (way: readonly ToldCall[]): string =>
  table(
    ['PROXY OF', 'SIDE', 'CALL', 'STATUS', 'TIME'],
    way.map(({ reporter, side, method, path, status, durationMs }) => [
      reporter,
      side,
      `${method} ${path}`,
      String(status),
      `${durationMs} ms`,
    ]),
  );

/** What the cases said, and the nearest cause of a failure. */
export const verdictWords = ({ passed, verdicts, causes, answered }: StepVerdict): string =>
  [
    ...verdicts.map(({ id, passed: holds, ms, reason }) =>
      holds ? `✓ ${id} is true on your mesh (${ms} ms)` : `✗ ${id} is not true on your mesh\n${reason}`,
    ),
    ...(Object.keys(answered).length === 0 ? [] : ['', roundWords(answered)]),
    ...(passed || causes.length > 0 ? [] : ['', 'The configuration is what this step wants: read what was seen.']),
    ...(causes.length === 0 ? [] : ['', 'Most likely the cause:', ...causes.map((cause) => `- ${cause}`)]),
  ].join('\n');
