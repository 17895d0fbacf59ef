/** lab.md → the HTML of each step's parts. */
import MarkdownIt from 'markdown-it';
import { type LabText, readLabText, type StepText } from '#labs';
import { escapeHtml, type Highlight } from './highlight.ts';
import { readQuote } from './quote.ts';

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
export const labHtml = async (root: string, source: string, highlight: Highlight): Promise<LabText> => {
  const renderer = new MarkdownIt({ html: false, linkify: false, typographer: false });
  const render = async (part: string): Promise<string> => {
    const { markdown, quotes } = await withQuotes(root, part, highlight);
    return renderer.render(markdown).replace(/<p>@@(\d+)@@<\/p>/g, (_, index: string) => quotes[Number(index)] ?? '');
  };
  const renderStep = async (step: StepText): Promise<StepText> => ({
    do: await render(step.do),
    why: await render(step.why),
    hints: step.hints.map((hint) => renderer.renderInline(hint)),
  });
  const { intro, steps } = readLabText(source);
  const rendered = await Promise.all(Object.entries(steps).map(async ([id, step]) => [id, await renderStep(step)] as const));
  return { intro: await render(intro), steps: Object.fromEntries(rendered) };
};
