import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConnectionFault } from '../errors.ts';
import { HpackDecoder } from './decoder.ts';
import { HpackEncoder } from './encoder.ts';
import { huffmanDecode, huffmanEncode, huffmanLength } from './huffman.ts';

const LIMITS = { maxFields: 1000, maxBytes: 1 << 20 };
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

const REQUESTS = [
  [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'www.example.com'],
  [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'www.example.com', 'cache-control', 'no-cache'],
  [':method', 'GET', ':scheme', 'https', ':path', '/index.html', ':authority', 'www.example.com', 'custom-key', 'custom-value'],
];
const DATES = ['Mon, 21 Oct 2013 20:13:21 GMT', 'Mon, 21 Oct 2013 20:13:22 GMT'] as const;
const LOCATION = 'https://www.example.com';
const COOKIE = 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1';
const RESPONSES = [
  [':status', '302', 'cache-control', 'private', 'date', DATES[0], 'location', LOCATION],
  [':status', '307', 'cache-control', 'private', 'date', DATES[0], 'location', LOCATION],
  [':status', '200', 'cache-control', 'private', 'date', DATES[1], 'location', LOCATION, 'content-encoding', 'gzip', 'set-cookie', COOKIE],
];

describe('RFC 7541 appendix C', () => {
  test.each([
    ['C.2.1', '400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572', ['custom-key', 'custom-header']],
    ['C.2.2', '040c 2f73 616d 706c 652f 7061 7468', [':path', '/sample/path']],
    ['C.2.3', '1008 7061 7373 776f 7264 0673 6563 7265 74', ['password', 'secret']],
    ['C.2.4', '82', [':method', 'GET']],
  ])('%s', (_, bytes, fields) => {
    expect(new HpackDecoder(4096).decode(hex(bytes), LIMITS)).toEqual({ flat: fields, isFine: true, isTooLarge: false });
  });

  test.each([
    [
      'C.3',
      4096,
      REQUESTS,
      [
        '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
        '8286 84be 5808 6e6f 2d63 6163 6865',
        '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
      ],
    ],
    [
      'C.4',
      4096,
      REQUESTS,
      [
        '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
        '8286 84be 5886 a8eb 1064 9cbf',
        '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
      ],
    ],
    [
      'C.5',
      256,
      RESPONSES,
      [
        `4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77
         7777 2e65 7861 6d70 6c65 2e63 6f6d`,
        '4803 3330 37c1 c0bf',
        `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a
         584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31`,
      ],
    ],
    [
      'C.6',
      256,
      RESPONSES,
      [
        '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
        '4883 640e ffc1 c0bf',
        `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36
         72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
      ],
    ],
  ])('%s: three messages, one table', (_, tableBytes, messages, blocks) => {
    const decoder = new HpackDecoder(tableBytes);
    expect(blocks.map((block) => decoder.decode(hex(block), LIMITS).flat)).toEqual(messages);
  });
});

const latin1 = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });

test('what is squeezed comes back', () => {
  fc.assert(
    fc.property(latin1, (text) => {
      const bytes = Buffer.alloc(4 * text.length + 4);
      const end = huffmanEncode(text, bytes, 0);
      expect(end).toBe(huffmanLength(text));
      expect(huffmanDecode(bytes, 0, end)).toBe(text);
    }),
  );
});

test('any messages over one connection come back, whatever tables are allowed in between', () => {
  const name = fc.constantFrom(':path', 'x-a', 'x-b', 'cookie', 'date', 'content-type', 'a-name-that-is-longer-than-others');
  const value = fc.oneof(fc.constantFrom('1', 'x'.repeat(300), 'y'.repeat(2000)), latin1);
  const message = fc.record({ fields: fc.array(fc.tuple(name, value)), allowed: fc.option(fc.integer({ min: 0, max: 5000 })) });
  fc.assert(
    fc.property(fc.array(message), (messages) => {
      const encoder = new HpackEncoder();
      const decoder = new HpackDecoder(4096);
      for (const { fields, allowed } of messages) {
        if (allowed !== null) encoder.allow(allowed);
        encoder.begin();
        for (const [each, text] of fields) encoder.field(each, text);
        expect(decoder.decode(Buffer.from(encoder.end()), LIMITS).flat).toEqual(fields.flat());
      }
    }),
  );
});

test('any bytes are fields or a fault, never anything else', () => {
  const decoder = new HpackDecoder(4096);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      try {
        expect(decoder.decode(Buffer.from(bytes), LIMITS).flat.length % 2).toBe(0);
      } catch (error) {
        expect(error).toBeInstanceOf(ConnectionFault);
      }
    }),
    { numRuns: 2000 },
  );
});

test.each([
  ['an index of no table', 'be'],
  ['index 0', '80'],
  ['a number without its end', 'ff'],
  ['a number beyond all use', 'ffffffffffffffffff01'],
  ['a text without its end', '400a6162'],
  ['a table larger than allowed', '3fe21f'],
  ['a table size after a field', '8220'],
  ['padding longer than 7 bits', '4083a8ffff0161'],
  ['padding of zeros', '4001610160'.replace('0160', '81' + '00')],
  ['the end of text inside a text', '40016184ffffffff'],
])('%s is a fault', (_, bytes) => {
  expect(() => new HpackDecoder(4096).decode(hex(bytes), LIMITS)).toThrow(ConnectionFault);
});

test('one byte a field, each the largest entry of the table: what is beyond the limit is not kept, and the table stays right', () => {
  const decoder = new HpackDecoder(4096);
  const value = 'v'.repeat(4000);
  const into = Buffer.concat([hex('400162 7fa11e'), Buffer.from(value)]);
  expect(decoder.decode(into, LIMITS).flat).toEqual(['b', value]);
  const bomb = decoder.decode(Buffer.alloc(16_000, 0xbe), { maxFields: 100, maxBytes: 60 * 1024 });
  expect(bomb.isTooLarge).toBe(true);
  expect(bomb.flat.length).toBeLessThan(40);
  expect(decoder.decode(hex('be'), LIMITS).flat).toEqual(['b', value]);
});

test.each([
  ['Upper', 'x', false],
  ['with space', 'x', false],
  ['', 'x', false],
  ['x', 'a\r\nb', false],
  ['x', ' lead', false],
  ['x', 'trail\t', false],
  ['x', '\0', false],
  ['x', 'a\tb\xe4', true],
  [':path', '/', true],
])('%j: %j is fine: %s', (name, value, isFine) => {
  const bytes = Buffer.from(`\0${String.fromCharCode(name.length)}${name}${String.fromCharCode(value.length)}${value}`, 'latin1');
  expect(new HpackDecoder(4096).decode(bytes, LIMITS).isFine).toBe(isFine);
});
