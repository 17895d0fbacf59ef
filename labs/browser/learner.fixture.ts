/** A learner at a lab page: what she clicks, by the words that she reads. */
import type { Page } from 'playwright-core';
import type { Lab, LabStep } from '../labs.ts';

/** A case may take 30 s before it counts as failed. */
const CHECK_LIMIT_MS = 45_000;

/** The page, with the hands of a learner. */
export interface Learner {
  readonly page: Page;
  /** Goes to a step by its place among the tabs. */
  step(step: LabStep): Promise<void>;
  /** Picks the option, or types the count, and says that it is her guess. */
  answer(step: LabStep, guess: number): Promise<void>;
  /** Applies the step's YAML as it stands, and waits until it is in force. */
  apply(): Promise<void>;
  /** Sends the step's requests and waits for what they brought. */
  send(): Promise<void>;
  /** Presses Check and gives what it said. */
  check(): Promise<string>;
  /** The card of that name. */
  card(name: string): ReturnType<Page['locator']>;
}

/** page: on any page of the site, with its session open. */
export const learnerOn = (page: Page): Learner => {
  const card = (name: string) => page.locator('section.card', { has: page.getByRole('heading', { name, exact: true }) });
  return {
    page,
    card,
    step: async ({ title }) => {
      await page.locator('.step-tabs').getByRole('link', { name: title }).click();
      await page.getByRole('heading', { level: 2, name: title }).waitFor();
    },
    answer: async ({ predict }, guess) => {
      if (predict.kind === 'choice') await page.getByRole('radio', { name: predict.options[guess] ?? '' }).check();
      else await page.getByLabel(predict.question).fill(String(guess));
      await page.getByRole('button', { name: 'That is my guess' }).click();
    },
    apply: async () => {
      await page.getByRole('button', { name: 'Apply', exact: true }).click();
      await page.locator('form.send button[type=submit]:enabled').waitFor();
    },
    send: async () => {
      await page.locator('form.send button[type=submit]').click();
      const why = page.getByRole('heading', { name: 'Why', exact: true });
      await why.or(page.locator('form.send [role=alert]')).or(page.getByText('not held against your guess')).first().waitFor();
      if ((await why.count()) === 0) throw new Error(`no answer, but: ${await page.locator('form.send').textContent()}`);
    },
    check: async () => {
      await page.getByRole('button', { name: 'Check', exact: true }).click();
      await card('Check').locator('[role=status] .chip').first().waitFor({ timeout: CHECK_LIMIT_MS });
      return (await card('Check').locator('[role=status]').textContent()) ?? '';
    },
  };
};

/** Opens a lab where it was left. */
export const openLab = async ({ page }: Learner, siteUrl: string, lab: Lab): Promise<void> => {
  await page.goto(new URL(`/labs/${lab.id}`, siteUrl).href);
  await page.getByRole('heading', { level: 1, name: lab.title }).waitFor();
  await page.locator('form.predict').waitFor();
};
