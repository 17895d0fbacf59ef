/** Unit tests and house rules. Browser tests of labs/ and site/ run with `--project browser`. */
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
          exclude: ['**/node_modules/**', '.cache/**', '**/*.browser.test.ts'],
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
    ],
  },
});
