/** Unit tests and house rules. Browser tests of labs/ and site/ run with `--project browser`, those of containers with `--project docker`. */
import { defineConfig } from 'vitest/config';

const envoyBundle = { server: { deps: { external: [/envoy\.mjs$/] } } };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...envoyBundle,
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: ['**/node_modules/**', '.cache/**', '**/*.browser.test.ts', '**/*.docker.test.ts'],
          // Concurrent tests here mostly wait for answers that must not come.
          maxConcurrency: 24,
        },
      },
      {
        test: {
          ...envoyBundle,
          name: 'browser',
          include: ['{labs,site}/**/*.browser.test.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
        },
      },
      {
        test: {
          ...envoyBundle,
          name: 'docker',
          include: ['environment/**/*.docker.test.ts'],
          fileParallelism: false,
          testTimeout: 30_000,
          // What watches over forgotten containers is an image of a registry; every test ends its own.
          env: { TESTCONTAINERS_RYUK_DISABLED: 'true' },
        },
      },
    ],
  },
});
