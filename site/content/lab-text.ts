/** lab.md → the HTML of each step's parts. */
import MarkdownIt from 'markdown-it';
import { escapeHtml, type Highlight } from './highlight.ts';
import { readQuote } from './quote.ts';

/** Text of one step, as HTML made from our own Markdown. */
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

const QUOTE = /^@quote (\S+)$/gm;

const withQuotes = async (
  root: string,
  markdown: string,
  highlight: Highlight,
): Promise<{ markdown: string; quotes: readonly string[] }> => {
  const quotes = await Promise.all(
    [...markdown.matchAll(QUOTE)].map(async ([, reference = '']) => {
      const { path, line, code } = await readQuote(root, reference);
      const language = path.slice(path.lastIndexOf('.') + 1);
      const caption = `<figcaption>${escapeHtml(path)}:${line}</figcaption>`;
      return `<figure class="quote">${caption}<pre tabindex="0"><code>${highlight(code, language)}</code></pre></figure>`;
    }),
  );
  let index = 0;
  return { markdown: markdown.replace(QUOTE, () => `\n@@${index++}@@\n`), quotes };
};

/** Raw HTML in Markdown stays text. Rejects when a quote does not exist. */
export const labText = async (root: string, source: string, highlight: Highlight): Promise<LabText> => {
  const renderer = new MarkdownIt({ html: false, linkify: false, typographer: false });
  const render = async (part: string): Promise<string> => {
    const { markdown, quotes } = await withQuotes(root, part, highlight);
    return renderer.render(markdown).replace(/<p>@@(\d+)@@<\/p>/g, (_, index: string) => quotes[Number(index)] ?? '');
  };
  const steps: Record<string, StepText> = {};
  for (const [id, body] of sections(source, '##')) {
    const parts = new Map(sections(body, '###'));
    const hints = (parts.get('hints') ?? '').split(/^- /m).slice(1);
    steps[id] = {
      do: await render(parts.get('do') ?? ''),
      why: await render(parts.get('why') ?? ''),
      hints: hints.map((hint) => renderer.renderInline(hint.trim())),
    };
  }
  const introEnd = source.search(/^## /m);
  return { intro: await render(introEnd < 0 ? source : source.slice(0, introEnd)), steps };
};
