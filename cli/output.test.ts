/** Tables of the command line. */
import { expect, it } from 'vitest';
import { table, wantsJson } from './output.ts';

it('aligns columns and leaves no spaces at line ends', () => {
  expect(
    table(
      ['NAME', 'AGE'],
      [
        ['reviews-v1', '1s'],
        ['a', ''],
      ],
    ),
  ).toBe('NAME         AGE\nreviews-v1   1s\na');
});

it('refuses an output format that does not exist', () => {
  expect(wantsJson({})).toBe(false);
  expect(wantsJson({ output: 'json' })).toBe(true);
  expect(() => wantsJson({ output: 'xml' })).toThrow('--output xml is not supported');
});
