/** The site by hand: what is clicked and typed does what it says, and the keyboard alone is enough. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Site, startSite } from '../../site/server/server.ts';
import { exchange, type SmallMesh, startSmallMesh } from '../../site/server/small-mesh.fixture.ts';
import { openBrowser } from './browser.fixture.ts';
import { buildSite } from './site.fixture.ts';

let small: SmallMesh;
let site: Site;
let browser: Browser;
let page: Page;
const problems: string[] = [];

beforeAll(async () => {
  buildSite();
  small = await startSmallMesh();
  site = await startSite({ environment: small.mesh, load: 0 });
  browser = await openBrowser();
  page = await (await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce' })).newPage();
  page.setDefaultTimeout(8_000);
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(site.url);
  await page.getByText('healthy 4/4 proxies').waitFor();
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await site?.close();
  await small?.[Symbol.asyncDispose]();
});

beforeEach(() => {
  problems.length = 0;
});

const go = async (path: string): Promise<void> => {
  await page.goto(new URL(path, site.url).href);
  await page.locator('.chip', { hasText: 'process mode' }).waitFor({ state: 'attached' });
};

const editor = () => page.getByRole('textbox', { name: 'YAML' });
/** Typed over everything. Scripts for the page are text: they run where there is a document. */
const replaceYaml = async (yaml: string): Promise<void> => {
  await editor().click();
  await page.keyboard.press('Control+a');
  await page.keyboard.type(yaml);
};
const focusedName = (): Promise<string> =>
  page.evaluate(`document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent.trim()`);
/** The focused element is inside the window, and its outline can be seen; shapes have their own. */
const focusIsSeen = (): Promise<boolean> =>
  page.evaluate(`(() => {
    const focused = document.activeElement;
    const box = focused.getBoundingClientRect();
    const isOutlined = focused instanceof SVGElement || getComputedStyle(focused).outlineStyle !== 'none';
    return box.width > 0 && box.top < innerHeight && isOutlined;
  })()`);

test('a good document is followed until every proxy has acknowledged it, and the xDS page remembers', async () => {
  await go('/config');
  await replaceYaml('{kind: VirtualService, metadata: {name: reviews}}');
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByText(/VirtualService reviews configured\. 4 of 4 proxies acknowledged version \d+, the last one after \d+ ms/).waitFor();
  expect(await page.getByRole('list', { name: 'The change at each proxy' }).getByRole('listitem').count()).toBe(4);
  await page.getByRole('link', { name: 'xDS' }).click();
  await page.getByRole('region', { name: 'Last changes' }).getByText('VirtualService reviews configured').waitFor();
  expect(problems).toEqual([]);
});

test('a bad document names its line, a click goes there, and nothing is applied', async () => {
  await go('/config');
  await replaceYaml('{kind: VirtualService,\nmetadata: {name: reviews},\nspec: {weigth: 3}}');
  const problem = page.getByRole('list', { name: 'Problems' }).getByRole('button');
  await problem.getByText('3:3').waitFor();
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByText('Nothing was applied: mend the errors first. What was in force stays in force.').waitFor();
  await problem.click();
  await page.keyboard.type('X');
  expect(await editor().textContent()).toMatch(/X.*weigth: 3/);
  expect(problems).toEqual([]);
});

test('a proxy that refuses is named, with its own words', async () => {
  await go('/config');
  await replaceYaml('{kind: VirtualService, metadata: {name: unknown-cluster}}');
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByText(/3 of 4 proxies acknowledged version \d+; 1 refused it\./).waitFor();
  await page.getByText('refused, keeps what it had: rds: unknown cluster').waitFor();
  await replaceYaml('{kind: VirtualService, metadata: {name: reviews}}');
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByText(/4 of 4 proxies acknowledged/).waitFor();
});

test('the load is started, changed and stopped where it is shown', async () => {
  await go('/');
  await page.getByRole('button', { name: 'Start the load' }).click();
  await page.getByRole('button', { name: 'Stop the load' }).waitFor();
  await page.getByRole('button', { name: '10/s' }).click();
  await page.locator('button[aria-pressed=true]', { hasText: '10/s' }).waitFor();
  await page.getByRole('button', { name: 'Stop the load' }).click();
  await page.getByRole('button', { name: 'Start the load' }).waitFor();
});

test('a service opens its proxy: listeners, routes with their rule, clusters, endpoints; Escape closes it', async () => {
  await go('/');
  await page.getByRole('button', { name: /show the proxy of productpage-v1/ }).click();
  const panel = page.getByRole('region', { name: 'Proxy of productpage-v1' });
  await panel.getByText('virtualInbound').waitFor();
  await panel.getByRole('button', { name: 'routes 1' }).click();
  await panel.getByRole('link', { name: 'VirtualService default/reviews, http[0]' }).waitFor();
  await panel.getByRole('button', { name: 'clusters 1' }).click();
  await panel.getByText('outbound|9080|v2|reviews.default.svc.cluster.local').waitFor();
  await panel.getByRole('button', { name: 'endpoints 1' }).click();
  await panel.getByText('127.96.1.3:9080').waitFor();
  expect(new URL(page.url()).search).toBe('?proxy=productpage-v1&part=endpoints');
  await page.reload();
  await panel.getByText('127.96.1.3:9080').waitFor();
  await panel.focus();
  await page.keyboard.press('Escape');
  await panel.waitFor({ state: 'detached' });
});

test('a request shows the line of YAML that decided it, and the page that opens it can be sent to somebody', async () => {
  await go('/');
  const told = {
    ruleResource: 'VirtualService default/reviews',
    ruleField: 'spec.http[0]',
    requestId: 'why-1',
    upstreamHost: '127.96.1.3:9080',
  };
  small.tell(exchange({ ...told, path: '/reviews/why' }));
  await page
    .getByRole('button', { name: /GET \/reviews\/why/ })
    .first()
    .click();
  await page.locator('.lit-line.decides', { hasText: '- route:' }).waitFor();
  await page.getByRole('link', { name: 'bookinfo.yaml:6' }).waitFor();
  await go('/?request=why-1');
  await page.locator('.lit-line.decides').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('.x-ray').waitFor({ state: 'detached' });
});

test('every edge has its rate, success and latency, and the table says the same', async () => {
  await go('/');
  small.tell(exchange({ requestId: 'edge-1', upstreamHost: '127.96.1.3:9080' }));
  await page
    .locator('.edge-text', { hasText: /req\/s.*100 % · 5 ms/s })
    .first()
    .waitFor();
  await page.getByRole('row', { name: /productpage v1 reviews v2 [\d.]+ 100 % 5 ms 5 ms/ }).waitFor();
});

test('the palette goes to pages, proxies and resources by keyboard, and Escape gives the focus back', async () => {
  await go('/config');
  await page.getByRole('link', { name: 'New' }).focus();
  await page.keyboard.press('Control+k');
  await page.getByRole('option', { name: /Conformance/ }).waitFor();
  await page.keyboard.press('Escape');
  expect(await focusedName()).toBe('New');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('VirtualService');
  await page.getByRole('option', { name: 'VirtualService reviews resource' }).waitFor();
  await page.keyboard.press('Enter');
  await page.waitForURL(/resource=VirtualService/);
  await page.keyboard.press('Control+k');
  await page.keyboard.type('reviews-v2');
  await page.keyboard.press('Enter');
  await page.getByRole('region', { name: 'Proxy of reviews-v2' }).waitFor();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('zzz');
  await page.getByText('Nothing has that name.').waitFor();
  await page.keyboard.press('Escape');
});

test('Tab walks the page in its order, every stop is visible, and who passes through the editor leaves its text alone', async () => {
  await go('/');
  const stops: string[] = [];
  for (let i = 0; i < 14; i++) {
    await page.keyboard.press('Tab');
    stops.push(await focusedName());
    expect(await focusIsSeen(), stops.at(-1)).toBe(true);
  }
  expect(stops.slice(0, 2)).toEqual(['Skip to the page', 'Dinghy']);
  expect(stops).toContain('Start lab 1 →');
  expect(stops.indexOf('Mesh')).toBeLessThan(stops.indexOf('Start lab 1 →'));
  await go('/config');
  await editor().click();
  const before = await editor().textContent();
  await page.keyboard.press('Tab');
  expect(await focusedName()).not.toBe('YAML');
  expect(await editor().textContent()).toBe(before);
});

test('at 640 px, which is 200 % of 1280, nothing is wider than the window', async () => {
  await page.setViewportSize({ width: 640, height: 480 });
  for (const path of ['/', '/?proxy=productpage-v1&part=routes', '/config', '/xds', '/conformance']) {
    await go(path);
    expect(await page.evaluate('document.documentElement.scrollWidth'), path).toBeLessThanOrEqual(640);
  }
  await page.setViewportSize({ width: 1280, height: 900 });
});
