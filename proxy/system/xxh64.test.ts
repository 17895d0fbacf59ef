import { expect, it } from 'vitest';
import { hex, joined, remainder, xxh64 } from './xxh64.ts';

/** The input of xxHash's own sanity check: bytes of a generator. */
const sanityBytes = (length: number): string => {
  let state = 2654435761n;
  let text = '';
  for (let i = 0; i < length; i++) {
    text += String.fromCharCode(Number(state >> 56n));
    state = (state * 11400714785074694797n) & 0xffff_ffff_ffff_ffffn;
  }
  return text;
};

const PRIME32 = { high: 0, low: 0x9e3779b1 };

it.each([
  [0, 'ef46db3751d8e999', 'ac75fda2929b17ef'],
  [1, 'e934a84adb052768', '5014607643a9b4c3'],
  [4, '9136a0dca57457ee', 'caab286bd8e9fdb5'],
  [14, '8282dcc4994e35c8', 'c3bd6bf63deb6df0'],
  [222, 'b641ae8cb691c174', '20cb8ab7ae10c14a'],
])('hashes %i bytes as the vectors of xxHash say', (length, plain, seeded) => {
  expect(hex(xxh64(sanityBytes(length)))).toBe(plain);
  expect(hex(xxh64(sanityBytes(length), PRIME32))).toBe(seeded);
});

it.each([
  ['a', 'd24ec4f1a98c6e5b'],
  ['abc', '44bc2cf5ad770999'],
  ['Nobody inspects the spammish repetition', 'fbcea83c8a378bf1'],
])('hashes %j', (text, hash) => {
  expect(hex(xxh64(text))).toBe(hash);
});

it('divides 64 bits exactly, and joins hashes by turning what was there', () => {
  const hash = xxh64('abc');
  for (const divisor of [100, 251, 65_537, 5_000_011]) expect(remainder(hash, divisor)).toBe(Number(0x44bc2cf5ad770999n % BigInt(divisor)));
  expect(joined(undefined, hash)).toBe(hash);
  expect(hex(joined(hash, hash))).toBe(
    (((0x44bc2cf5ad770999n << 1n) & 0xffff_ffff_ffff_ffffn) ^ 0x44bc2cf5ad770999n).toString(16).padStart(16, '0'),
  );
});
