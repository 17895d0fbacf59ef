import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { sidecarProgram } from './sidecar-program.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64');

/** A checkout with one source file and a bundle that was made from `madeFrom`. */
const checkout = (source: string, madeFrom?: string): string => {
  const root = mkdtempSync(join(tmpdir(), 'dinghy-checkout-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'proxy'));
  mkdirSync(join(root, '.cache/sidecar'), { recursive: true });
  writeFileSync(join(root, 'proxy/main.ts'), source);
  if (madeFrom !== undefined)
    writeFileSync(join(root, '.cache/sidecar/sources.json'), JSON.stringify({ 'proxy/main.ts': sha256(madeFrom) }));
  return root;
};

test('a bundle of the sources as they are is what sidecars run', () => {
  const root = checkout('new', 'new');
  expect(sidecarProgram(root)).toBe(join(root, '.cache/sidecar/main.cjs'));
});

test('a bundle of other sources is not run: the sources are', () => {
  const root = checkout('new', 'old');
  expect(sidecarProgram(root)).toBe(join(root, 'proxy/main.ts'));
});

test('without a bundle the sources run', () => {
  const root = checkout('new');
  expect(sidecarProgram(root)).toBe(join(root, 'proxy/main.ts'));
});

test('a bundle of which a source file is gone is not run', () => {
  const root = checkout('new', 'new');
  rmSync(join(root, 'proxy/main.ts'));
  expect(sidecarProgram(root)).toBe(join(root, 'proxy/main.ts'));
});
