/** Every lab from its first step to its last on a real Bookinfo: what the learner applies is applied unchanged, and each step's claims hold there. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCases } from '#conformance';
import { bookinfo, type Environment, startEnvironment } from '#environment';
import { type Site, startSite } from '../../site/server/server.ts';
import { LABS } from '../labs.ts';
import { openBrowser } from './browser.fixture.ts';

let mesh: Environment;
let site: Site;

beforeAll(async () => {
  mesh = await startEnvironment(bookinfo, { mode: 'process', dataPlane: 'dinghy', name: `labs-${process.pid}` });
  site = await startSite({ environment: mesh, load: 5 });
}, 60_000);

afterAll(async () => {
  await site?.close();
  await mesh?.[Symbol.asyncDispose]();
});

const apply = async (yaml: string): Promise<void> => {
  const { problems, version } = await mesh.applyYaml(yaml);
  expect(problems).toEqual([]);
  await mesh.waitForVersion(version);
};

test.each(LABS.map((lab) => [lab.id, lab] as const))('%s holds step by step on Bookinfo', async (_, lab) => {
  const applied: string[] = [];
  for (const step of lab.steps) {
    if (step.apply !== undefined) {
      const yaml = readFileSync(new URL(`../${lab.id}/${step.apply}`, import.meta.url), 'utf8');
      await apply(yaml);
      applied.push(yaml);
    }
    for (const id of step.claims)
      for await (const verdict of runCases(mesh, [id])) expect(verdict, `${step.id}: ${verdict.text}`).toMatchObject({ outcome: 'passed' });
  }
  for (const yaml of applied) await mesh.deleteYaml(yaml);
});

test('the graph shows the services that the steady load passes through', async () => {
  const browser = await openBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    await page.goto(site.url);
    for (const name of ['productpage', 'details', 'reviews', 'ratings']) await page.getByText(name).first().waitFor();
    await page.getByText(/7\/7 proxies/).waitFor();
  } finally {
    await browser.close();
  }
});
