/** The labs by clicking, on a real Bookinfo: what a learner reads, answers, applies, sends, checks and takes back. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bookinfo, type Environment, startEnvironment } from '#environment';
import { type Site, startSite } from '../../site/server/server.ts';
import { LABS, type Lab, type LabStep } from '../labs.ts';
import { violationsOn } from './axe.fixture.ts';
import { openBrowser } from './browser.fixture.ts';
import { type Learner, learnerOn, openLab } from './learner.fixture.ts';
import { buildSite } from './site.fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'labs-'));
let mesh: Environment;
let site: Site;
let browser: Browser;
let learner: Learner;

beforeAll(async () => {
  buildSite();
  const name = `labs-${process.pid}`;
  [mesh, browser] = await Promise.all([
    startEnvironment(bookinfo, { mode: 'process', dataPlane: 'dinghy', name, instruments: 'clock and tap' }),
    openBrowser(),
  ]);
  site = await startSite({ environment: mesh, load: 2, progressFolder: folder });
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce' });
  await page.goto(site.url);
  await page.getByText(/7\/7 proxies/).waitFor();
  learner = learnerOn(page);
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await site?.close();
  await mesh?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const labOf = (number: number): Lab => {
  const lab = LABS.find((one) => one.number === number);
  if (lab === undefined) throw new Error(`there is no lab ${number}`);
  return lab;
};

const stepOf = (lab: Lab, id: string): LabStep => {
  const step = lab.steps.find((one) => one.id === id);
  if (step === undefined) throw new Error(`lab ${lab.id} has no step ${id}`);
  return step;
};

test('the front page draws the services that the load passes through', async () => {
  for (const name of ['productpage', 'details', 'reviews', 'ratings']) await learner.page.getByText(name).first().waitFor();
});

test('Check fails before the YAML is applied and names the cause, and holds after it', async () => {
  const lab = labOf(3);
  await openLab(learner, site.url, lab);
  await learner.step(stepOf(lab, 'exact'));
  await learner.answer(stepOf(lab, 'exact'), 1);
  const before = await learner.check();
  expect(before).toContain('not true on your mesh');
  expect(before).toContain('VirtualService default/reviews-route is not there: apply beta-testers.yaml (step 1).');
  expect(await violationsOn(learner.page)).toEqual([]);

  await learner.step(stepOf(lab, 'beta'));
  await learner.answer(stepOf(lab, 'beta'), 10);
  await learner.apply();
  await learner.step(stepOf(lab, 'exact'));
  expect(await learner.check()).toContain('true on your mesh');
});

test('a reset takes the mesh and the lab back to the start, and says how long it took', async () => {
  const lab = labOf(3);
  await learner.page.getByRole('button', { name: 'Reset lab' }).click();
  const said = learner.page.getByText(/as it was at the start/);
  const ms = Number(/(\d+) ms/.exec((await said.textContent()) ?? '')?.[1]);
  // 0.1 to 0.3 s on an idle machine; a busy one gets ten times that.
  expect(ms).toBeLessThan(3_000);
  await learner.page.getByRole('heading', { level: 2, name: lab.steps[0]?.title ?? '' }).waitFor();
  expect(await learner.page.getByRole('button', { name: 'That is my guess' }).count()).toBe(1);
  // The first request after it already meets the start state.
  await learner.step(stepOf(lab, 'exact'));
  await learner.answer(stepOf(lab, 'exact'), 1);
  expect(await learner.check()).toContain('not true on your mesh');
});

test('with the keyboard alone: passing through the options answers nothing, the button does, and the next step has the focus', async () => {
  const lab = labOf(1);
  const { page } = learner;
  await openLab(learner, site.url, lab);
  await page.getByRole('radio').first().focus();
  for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowUp']) await page.keyboard.press(key);
  expect(await page.locator('form.send button[type=submit]').isDisabled()).toBe(true);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.locator('form.send button[type=submit]:enabled').focus();
  await page.keyboard.press('Enter');
  await page.getByText('As you said: Two: one beside each program.').waitFor();
  await page.getByRole('link', { name: /^Next:/ }).focus();
  await page.keyboard.press('Enter');
  const title = page.getByRole('heading', { level: 2, name: stepOf(lab, 'front-door').title });
  await title.waitFor();
  expect(await title.evaluate((node) => node === node.ownerDocument.activeElement)).toBe(true);
});

test('one’s own request is drawn through both proxies, each with its time', async () => {
  const lab = labOf(1);
  await learner.step(stepOf(lab, 'one-request'));
  await learner.page.locator('form.send button[type=submit]').click();
  const way = learner.page.locator('.own-hop').first();
  await way.getByText('inbound').waitFor();
  expect(await way.locator('.hop-proxy').allTextContents()).toEqual([
    expect.stringMatching(/^its sidecar[\d.]+ msoutbound$/),
    expect.stringMatching(/^sidecar[\d.]+ msinbound$/),
  ]);
});

test('hints come one at a time, and are still there after a reload', async () => {
  const { page } = learner;
  await learner.step(stepOf(labOf(1), 'who-decided'));
  for (const name of ['Hint (1 of 3)', 'Another hint (2 of 3)', 'Tell me (3 of 3)']) await page.getByRole('button', { name }).click();
  await page.reload();
  await page.getByText('Hint 3.').waitFor();
  expect(await page.getByRole('button', { name: /of 3\)/ }).count()).toBe(0);
});

test('what was not asked for is not held against the guess', async () => {
  const { page } = learner;
  const step = stepOf(labOf(1), 'three-versions');
  await learner.step(step);
  await learner.answer(step, 10);
  await page.getByLabel('times').fill('3');
  await page.getByRole('button', { name: 'Send 3' }).click();
  await page.getByText('not held against your guess').waitFor();
  expect(await page.getByRole('heading', { name: 'Why', exact: true }).count()).toBe(0);
});

test('on a mesh that is not as the step wants it nothing counts', async () => {
  const { page } = learner;
  const lab = labOf(2);
  await openLab(learner, site.url, lab);
  await learner.step(stepOf(lab, 'ten'));
  await learner.answer(stepOf(lab, 'ten'), 1);
  await page.getByText('VirtualService default/reviews-route is not there: apply canary.yaml (step 1).').waitFor();
  await page.getByRole('button', { name: 'Send 10' }).click();
  await page.getByText('not held against your guess').waitFor();
  expect(await page.getByRole('heading', { name: 'Why', exact: true }).count()).toBe(0);
});

/** Before the answer: no outcome, no sending, no applying, no graph. */
const expectHidden = async (step: LabStep): Promise<void> => {
  const { page } = learner;
  expect(await page.getByRole('heading', { name: 'Why', exact: true }).count(), step.id).toBe(0);
  expect(await page.locator('form.send button[type=submit]').isDisabled(), step.id).toBe(true);
  expect(await page.locator('.graph-card').count(), step.id).toBe(0);
  if (step.apply !== undefined) expect(await page.getByRole('button', { name: 'Apply', exact: true }).isDisabled(), step.id).toBe(true);
};

test.each(LABS.map((lab) => [lab.number, lab] as const))(
  'lab %s is walked from its first step to its last, and axe finds nothing on the page of its end',
  // Lab 4 waits for timeouts of 2, 8 and 10 s that are the thing itself.
  { timeout: 180_000 },
  async (_, lab) => {
    await openLab(learner, site.url, lab);
    await learner.page.getByRole('button', { name: 'Reset lab' }).click();
    await learner.page.getByText(/as it was at the start/).waitFor();
    for (const step of lab.steps) {
      await learner.step(step);
      await expectHidden(step);
      await learner.answer(step, step.predict.kind === 'choice' ? step.predict.answer : 1);
      if (step.apply !== undefined) await learner.apply();
      await learner.send();
      if (step.claims.length > 0) expect(await learner.check(), step.id).toContain('true on your mesh');
    }
    await learner.page.getByText(`Lab ${lab.number} is done.`).waitFor();
    for (const colorScheme of ['light', 'dark'] as const) {
      await learner.page.emulateMedia({ colorScheme });
      expect(await violationsOn(learner.page), colorScheme).toEqual([]);
    }
  },
);

test('the picture of chance holds every round, and a reload forgets none', async () => {
  const lab = labOf(2);
  const { page } = learner;
  await openLab(learner, site.url, lab);
  // The labs behind it left the mesh as they want it.
  for (const step of lab.steps.filter(({ apply }) => apply !== undefined).slice(0, 1)) {
    await learner.step(step);
    await learner.apply();
  }
  await learner.step(stepOf(lab, 'ten'));
  await learner.send();
  await page.getByText('Your 2 rounds:').waitFor();
  await page.reload();
  await page.getByText('Your 2 rounds:').waitFor();
  await page.getByText('Your last round:').waitFor();
});

test('the list of labs says how far one is, and how well one guessed', async () => {
  const { page } = learner;
  await page.goto(new URL('/labs', site.url).href);
  await page.getByText('4 of 4').first().waitFor();
  await page.getByText(/Of \d+ predictions \d+ came true/).waitFor();
});
