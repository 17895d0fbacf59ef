import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../architecture/source-files.fixture.ts';
import { MUTANTS } from './mutants.ts';
import { mutate } from './mutate-loader.ts';

describe('mutants', () => {
  for (const mutant of MUTANTS) {
    it(`${mutant.id} changes its file`, () => {
      const source = readFileSync(join(ROOT, mutant.file), 'utf8');
      expect(mutate(mutant, source)).not.toBe(source);
    });
  }

  it('refuse to be loaded when their text is gone', () => {
    expect(() => mutate({ id: 'MUT-X', wrong: '', file: 'a.ts', find: 'gone', replace: '' }, 'other text')).toThrow('stands 0 times');
  });
});
