import { expect, test } from 'vitest';
import { frameMessage, messageReader } from './grpc-messages.ts';

const read = (chunks: readonly Buffer[], maxBytes = 100): string[] => chunks.flatMap(messageReader(maxBytes)).map(String);
const stream = Buffer.concat(['one', '', 'three'].map((text) => frameMessage(Buffer.from(text))));

test('messages are the same wherever the stream is cut', () => {
  for (let first = 0; first <= stream.length; first++)
    for (let second = first; second <= stream.length; second++)
      expect(read([stream.subarray(0, first), stream.subarray(first, second), stream.subarray(second)])).toEqual(['one', '', 'three']);
});

test('a message that is longer than allowed is refused by its prefix, before it has arrived', () => {
  expect(() => read([frameMessage(Buffer.alloc(101)).subarray(0, 5)])).toThrow('a message has 101 bytes, and 100 are allowed');
  expect(read([frameMessage(Buffer.alloc(100, 'x'))])).toEqual(['x'.repeat(100)]);
});

test('a compressed message is refused', () => {
  expect(() => read([Buffer.from([1, 0, 0, 0, 0])])).toThrow('a message is compressed');
});
