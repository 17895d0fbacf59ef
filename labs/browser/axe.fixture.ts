/** What axe has to say about a page. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** One line a violation; empty when there is none. */
export const violationsOn = async (page: Page): Promise<readonly string[]> => {
  // Not by a script element: the page's own content policy refuses those, as it should.
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const run = Reflect.get(globalThis, 'axe').run as () => Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>;
    return (await run()).violations.map(
      (violation) => `${violation.id}: ${violation.nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`,
    );
  });
};
