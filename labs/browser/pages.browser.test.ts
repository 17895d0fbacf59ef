/** Every page in a real browser: it shows what it should, makes no error, and axe finds nothing to complain about. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Site, startSite } from '../../site/server/server.ts';
import { exchange, type SmallMesh, startSmallMesh } from '../../site/server/small-mesh.fixture.ts';
import { violationsOn } from './axe.fixture.ts';
import { openBrowser } from './browser.fixture.ts';
import { buildSite } from './site.fixture.ts';

let small: SmallMesh;
let site: Site;
let browser: Browser;

beforeAll(async () => {
  buildSite();
  small = await startSmallMesh();
  site = await startSite({ environment: small.mesh, load: 0 });
  browser = await openBrowser();
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await site?.close();
  await small?.[Symbol.asyncDispose]();
});

const open = async (path: string, colorScheme: 'light' | 'dark', problems: string[]): Promise<Page> => {
  const context = await browser.newContext({ viewport: { width: 1024, height: 800 }, colorScheme, reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(site.url);
  await page.locator('.chip', { hasText: 'process mode' }).waitFor();
  small.tell(exchange({}));
  await page.goto(new URL(path, site.url).href);
  return page;
};

const PAGES = [
  ['/', 'Bookinfo, live'],
  ['/?proxy=productpage-v1', 'Its proxy is live'],
  ['/labs', 'Canary 90/10'],
  ['/labs/02-canary?step=apply', 'canary.yaml'],
  ['/config', 'A new document'],
  ['/xds', 'The control plane sends'],
  ['/conformance', 'Sentences that can be false'],
] as const;

for (const scheme of ['light', 'dark'] as const)
  for (const [path, words] of PAGES)
    test(`${path} is whole and accessible, ${scheme}`, { timeout: 30_000 }, async () => {
      const problems: string[] = [];
      const page = await open(path, scheme, problems);
      await page.getByText(words).first().waitFor();
      expect(await violationsOn(page)).toEqual([]);
      expect(problems).toEqual([]);
      await page.context().close();
    });
