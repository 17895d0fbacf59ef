/**
 * XXH64 over bytes that stand one in a character, as fields and paths do here. Synchronous and without bigint: a 64-bit number is two halves of 32.
 * Source: the xxHash specification, "XXH64 algorithm description"; its own vectors are in the test.
 */

/** 64 bits; both halves are whole numbers from 0 to 2^32 - 1. */
export interface Hash64 {
  readonly high: number;
  readonly low: number;
}

/** The seed that Envoy uses but where it says another. */
export const NO_SEED: Hash64 = { high: 0, low: 0 };

const P1_HIGH = 0x9e3779b1;
const P1_LOW = 0x85ebca87;
const P2_HIGH = 0xc2b2ae3d;
const P2_LOW = 0x27d4eb4f;
const P3_HIGH = 0x165667b1;
const P3_LOW = 0x9e3779f9;
const P4_HIGH = 0x85ebca77;
const P4_LOW = 0xc2b2ae63;
const P5_HIGH = 0x27d4eb2f;
const P5_LOW = 0x165667c5;
const UPPER = 0x1_0000_0000;

// The accumulator that the steps below work on: no step keeps anything, and nothing else runs between two of them.
let high = 0;
let low = 0;

const add = (h: number, l: number): void => {
  const sum = (low >>> 0) + (l >>> 0);
  high = (high + h + (sum >= UPPER ? 1 : 0)) | 0;
  low = sum | 0;
};

/** Upper half of the product of two unsigned numbers of 32 bits. */
const upperProduct = (a: number, b: number): number => {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const other = aLow * bHigh + (middle & 0xffff);
  return aHigh * bHigh + (middle >>> 16) + (other >>> 16);
};

const multiply = (h: number, l: number): void => {
  high = (upperProduct(low, l) + Math.imul(low, h) + Math.imul(high, l)) | 0;
  low = Math.imul(low, l);
};

/** bits: below 32. */
const rotate = (bits: number): void => {
  const upper = (high << bits) | (low >>> (32 - bits));
  low = (low << bits) | (high >>> (32 - bits));
  high = upper;
};

/** One round over 64 bits of input, on the accumulator as lane. */
const round = (h: number, l: number): void => {
  const laneHigh = high;
  const laneLow = low;
  high = h;
  low = l;
  multiply(P2_HIGH, P2_LOW);
  add(laneHigh, laneLow);
  rotate(31);
  multiply(P1_HIGH, P1_LOW);
};

const wordAt = (text: string, at: number): number =>
  (text.charCodeAt(at) & 0xff) |
  ((text.charCodeAt(at + 1) & 0xff) << 8) |
  ((text.charCodeAt(at + 2) & 0xff) << 16) |
  ((text.charCodeAt(at + 3) & 0xff) << 24);

/** Four lanes, upper and lower halves in turn. */
const lanes = new Int32Array(8);
const LANE_ROTATIONS = [1, 7, 12, 18];

/** Four lanes over all whole blocks of 32 bytes; leaves their sum in the accumulator. */
const blocks = (text: string, seed: Hash64): void => {
  for (let lane = 0; lane < 8; lane += 2) {
    high = seed.high;
    low = seed.low;
    if (lane === 0) add(P1_HIGH, P1_LOW);
    if (lane < 4) add(P2_HIGH, P2_LOW);
    if (lane === 6) add(-1 - P1_HIGH, -P1_LOW);
    lanes[lane] = high;
    lanes[lane + 1] = low;
  }
  for (let at = 0; at + 32 <= text.length; at += 32) {
    for (let lane = 0; lane < 8; lane += 2) {
      high = lanes[lane] as number;
      low = lanes[lane + 1] as number;
      round(wordAt(text, at + lane * 4 + 4), wordAt(text, at + lane * 4));
      lanes[lane] = high;
      lanes[lane + 1] = low;
    }
  }
  mergeLanes();
};

const mergeLanes = (): void => {
  let sumHigh = 0;
  let sumLow = 0;
  for (let lane = 0; lane < 8; lane += 2) {
    high = lanes[lane] as number;
    low = lanes[lane + 1] as number;
    rotate(LANE_ROTATIONS[lane >> 1] as number);
    add(sumHigh, sumLow);
    sumHigh = high;
    sumLow = low;
  }
  for (let lane = 0; lane < 8; lane += 2) {
    mixIn(lanes[lane] as number, lanes[lane + 1] as number);
    multiply(P1_HIGH, P1_LOW);
    add(P4_HIGH, P4_LOW);
  }
};

/** The accumulator, and a round over 64 bits of its own. */
const mixIn = (h: number, l: number): void => {
  const sumHigh = high;
  const sumLow = low;
  high = 0;
  low = 0;
  round(h, l);
  high ^= sumHigh;
  low ^= sumLow;
};

/** The accumulator, and the product of a number of 32 bits and a prime. */
const mixProduct = (word: number, h: number, l: number): void => {
  const sumHigh = high;
  const sumLow = low;
  high = 0;
  low = word;
  multiply(h, l);
  high ^= sumHigh;
  low ^= sumLow;
};

/** The bytes behind the last whole block: by eight, by four, one by one. */
const tail = (text: string, from: number): void => {
  let at = from;
  for (; at + 8 <= text.length; at += 8) {
    mixIn(wordAt(text, at + 4), wordAt(text, at));
    rotate(27);
    multiply(P1_HIGH, P1_LOW);
    add(P4_HIGH, P4_LOW);
  }
  if (at + 4 <= text.length) {
    mixProduct(wordAt(text, at), P1_HIGH, P1_LOW);
    rotate(23);
    multiply(P2_HIGH, P2_LOW);
    add(P3_HIGH, P3_LOW);
    at += 4;
  }
  for (; at < text.length; at++) {
    mixProduct(text.charCodeAt(at) & 0xff, P5_HIGH, P5_LOW);
    rotate(11);
    multiply(P1_HIGH, P1_LOW);
  }
};

/** text: one byte a character. */
export const xxh64 = (text: string, seed: Hash64 = NO_SEED): Hash64 => {
  const { length } = text;
  if (length >= 32) blocks(text, seed);
  else {
    high = seed.high;
    low = seed.low;
    add(P5_HIGH, P5_LOW);
  }
  add(0, length);
  tail(text, length - (length % 32));
  // Avalanche: by 33, 29 and 32 bits.
  low ^= high >>> 1;
  multiply(P2_HIGH, P2_LOW);
  const upper = high;
  high ^= upper >>> 29;
  low ^= (low >>> 29) | (upper << 3);
  multiply(P3_HIGH, P3_LOW);
  low ^= high;
  return { high: high >>> 0, low: low >>> 0 };
};

/** Rest of a division; divisor: from 1 to 2^26, so that no step leaves what a number holds exactly. */
export const remainder = (hash: Hash64, divisor: number): number => ((hash.high % divisor) * (UPPER % divisor) + hash.low) % divisor;

/** Joins a further hash to those before it: rotated by one, so that two equal ones do not cancel each other out. */
export const joined = (before: Hash64 | undefined, next: Hash64): Hash64 =>
  before === undefined
    ? next
    : {
        high: (((before.high << 1) | (before.low >>> 31)) ^ next.high) >>> 0,
        low: (((before.low << 1) | (before.high >>> 31)) ^ next.low) >>> 0,
      };

/** Sixteen lower-case digits. */
export const hex = ({ high: upper, low: lower }: Hash64): string =>
  upper.toString(16).padStart(8, '0') + lower.toString(16).padStart(8, '0');
