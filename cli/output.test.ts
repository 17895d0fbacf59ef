/** Tables of the command line. */
import { expect, it } from 'vitest';
import { table } from './output.ts';

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
