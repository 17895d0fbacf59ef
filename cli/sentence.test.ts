/** Errors in one sentence. */
import { expect, it } from 'vitest';
import { sentenceOf } from './sentence.ts';

it('says of a port that is taken what to do', () => {
  const error = Object.assign(new Error('listen EADDRINUSE: address already in use 127.0.0.1:80'), {
    code: 'EADDRINUSE',
    address: '127.0.0.1',
    port: 80,
  });
  expect(sentenceOf(error)).toBe('127.0.0.1:80 is used by another program; end it, or choose another port');
});

it('gives the message of any other error, and of what is none', () => {
  expect([sentenceOf(new Error('no mesh')), sentenceOf('word')]).toEqual(['no mesh', 'word']);
});
