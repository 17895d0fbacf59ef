/** A real Chromium from npm for tests: no download, no system package, not even a font of the system. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';

const ROOT = new URL('../..', import.meta.url).pathname;
/** Versioned: the package reuses whatever browser it finds unpacked in its temporary folder. */
const FOLDER = join(ROOT, '.cache/chromium-153.0.0');

/** Its own fonts, then the system's. Without a font the first text field ends this browser. */
const FONTS = `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${FOLDER}/fonts</dir><dir>/usr/share/fonts</dir>
  <cachedir>${FOLDER}/fonts-cache</cachedir>
</fontconfig>`;

/** Starts it; close it yourself. */
export const openBrowser = async (): Promise<Browser> => {
  mkdirSync(join(FOLDER, 'fontconfig'), { recursive: true });
  writeFileSync(join(FOLDER, 'fontconfig/fonts.conf'), FONTS);
  process.env.TMPDIR = FOLDER;
  process.env.AWS_LAMBDA_JS_RUNTIME = 'nodejs22.x';
  process.env.FONTCONFIG_PATH = join(FOLDER, 'fontconfig');
  const { default: chromium } = await import('@sparticuz/chromium');
  const { chromium: launcher } = await import('playwright-core');
  return launcher.launch({ executablePath: await chromium.executablePath(), args: ['--no-sandbox'] });
};
