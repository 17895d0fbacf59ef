/** Source code → HTML with classes only: the site's content policy allows no inline style. Runs at build time. */
import { createCssVariablesTheme, createHighlighter } from 'shiki';

const THEME = createCssVariablesTheme({ name: 'classes', variablePrefix: '--shiki-', fontStyle: false });

/** Text that is safe inside HTML. */
export const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** Gives highlighted lines; unknown languages stay plain. */
export type Highlight = (code: string, language: string) => string;

/** Loads the few grammars that labs and READMEs use. */
export const openHighlighter = async (): Promise<{ highlight: Highlight; close(): void }> => {
  const languages = ['yaml', 'typescript', 'json', 'shellscript'];
  const shiki = await createHighlighter({ themes: [THEME], langs: languages });
  const aliases: Readonly<Record<string, string>> = { ts: 'typescript', sh: 'shellscript', bash: 'shellscript', yml: 'yaml' };
  return {
    highlight: (code, language) => {
      const lang = aliases[language] ?? language;
      if (!languages.includes(lang)) return escapeHtml(code);
      const { tokens } = shiki.codeToTokens(code, { lang: lang as 'yaml', theme: 'classes' });
      return tokens
        .map((line) =>
          line
            .map(({ content, color }) => {
              const name = /--shiki-token-([a-z-]+)/.exec(color ?? '')?.[1];
              return name === undefined ? escapeHtml(content) : `<span class="t-${name}">${escapeHtml(content)}</span>`;
            })
            .join(''),
        )
        .join('\n');
    },
    close: () => shiki.dispose(),
  };
};
