/** Lab 8 by clicking: the bytes on the page are those of the learner's own request, before and after its encryption. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bookinfo, type Environment, startEnvironment } from '#environment';
import { type Site, startSite } from '../../site/server/server.ts';
import { mutualTlsOnTheWire as lab } from '../08-mtls-on-the-wire/lab.ts';
import { openBrowser } from './browser.fixture.ts';
import { type Learner, learnerOn, openLab } from './learner.fixture.ts';
import { buildSite } from './site.fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'wire-'));
let mesh: Environment;
let site: Site;
let browser: Browser;
let learner: Learner;

beforeAll(async () => {
  buildSite();
  const options = { mode: 'process', dataPlane: 'dinghy', name: `wire-${process.pid}`, instruments: 'clock and tap' } as const;
  [mesh, browser] = await Promise.all([startEnvironment(bookinfo, options), openBrowser()]);
  site = await startSite({ environment: mesh, load: 2, progressFolder: folder });
  const page = await browser.newPage({ viewport: { width: 1024, height: 900 }, reducedMotion: 'reduce' });
  await page.goto(site.url);
  await page.getByText(/7\/7 proxies/).waitFor();
  learner = learnerOn(page);
}, 90_000);

afterAll(async () => {
  await browser?.close();
  await site?.close();
  await mesh?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const take = async (id: string): Promise<void> => {
  const step = lab.steps.find((one) => one.id === id);
  if (step === undefined) throw new Error(`lab ${lab.id} has no step ${id}`);
  await learner.step(step);
  await learner.answer(step, 2);
  if (step.apply !== undefined) await learner.apply();
  await learner.send();
};

const pane = (title: RegExp) => learner.page.getByRole('region', { name: title }).first();
const ASKED = /^From the program of productpage-v1/;
const BETWEEN = /^The same request, between/;

test('before its encryption the request can be read, after it only the name that the client asks for', { timeout: 60_000 }, async () => {
  await openLab(learner, site.url, lab);
  await take('between');
  expect(await pane(ASKED).textContent()).toContain('GET /reviews/0 HTTP/1.1');
  const between = (await pane(BETWEEN).textContent()) ?? '';
  expect(between).toContain('readable words: outbound_.9080_._.reviews.default.svc.cluster.local');
  expect(between).not.toContain('GET /reviews/0');
  expect(await learner.page.locator('.film-frame').first().textContent()).toContain('ClientHello');
  expect(await learner.page.locator('.certificate').count()).toBe(2);
  expect(await learner.page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(1024);
});

test('with DISABLE the same bytes are readable between the proxies, and nobody is proved', { timeout: 60_000 }, async () => {
  await take('disable');
  expect(await pane(BETWEEN).textContent()).toContain('GET /reviews/0 HTTP/1.1');
  await learner.page.getByText('No handshake: the first byte').waitFor();
  await learner.page.getByText('plain text proves nothing').waitFor();
});

test('what the program reads of its caller comes from the certificate, not from the request', { timeout: 60_000 }, async () => {
  await take('identity');
  const delivered = await pane(/^From its proxy to the program of reviews/).textContent();
  expect(delivered).toContain('URI=spiffe://cluster.local/ns/default/sa/bookinfo-productpage');
  expect(delivered).not.toContain('sa/admin');
});
