/** lab.md → the Markdown of each step's parts. One `##` section a step, with `### do`, `### why` and `### hints`. */

/** Text of one step. */
export interface StepText {
  readonly do: string;
  readonly why: string;
  readonly hints: readonly string[];
}

/** Text of one lab. */
export interface LabText {
  readonly intro: string;
  readonly steps: Readonly<Record<string, StepText>>;
}

const sections = (text: string, level: string): readonly (readonly [string, string])[] =>
  text
    .split(new RegExp(`^${level} +`, 'm'))
    .slice(1)
    .map((part) => {
      const end = part.indexOf('\n');
      return [part.slice(0, end).trim(), part.slice(end + 1).trim()] as const;
    });

const stepText = (body: string): StepText => {
  const parts = new Map(sections(body, '###'));
  const hints = (parts.get('hints') ?? '').split(/^- /m).slice(1);
  return { do: parts.get('do') ?? '', why: parts.get('why') ?? '', hints: hints.map((hint) => hint.trim()) };
};

/** source: the text of lab.md. A part that is missing is empty. */
export const readLabText = (source: string): LabText => {
  const end = source.search(/^## /m);
  return {
    intro: (end < 0 ? source : source.slice(0, end)).trim(),
    steps: Object.fromEntries(sections(source, '##').map(([id, body]) => [id, stepText(body)])),
  };
};
