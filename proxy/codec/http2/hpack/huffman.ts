/**
 * HPACK's Huffman code (RFC 7541 §5.2 and appendix B). The code is canonical, so the lengths of its words say all of it.
 * Decoding goes by half bytes through a table of states; the tables are built when the first word needs them.
 */
import { ConnectionFault, ERROR } from '../errors.ts';

/** Bits of the words for bytes 0 to 255, one base-36 digit each. */
const LENGTHS =
  'dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6cad67777777777777777777777878djde6' +
  'f56565666577666567655677777fbedskmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmn' +
  'qqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrq';
const EOS = 256;
const EOS_LENGTH = 30;
const LONGEST_PADDING = 7;

const lengthOf = (symbol: number): number => (symbol === EOS ? EOS_LENGTH : Number.parseInt(LENGTHS[symbol] as string, 36));

interface Words {
  readonly bits: Uint32Array;
  readonly lengths: Uint8Array;
}

let builtWords: Words | undefined;

/** The word of each byte, and of the end of text. */
const words = (): Words => {
  if (builtWords) return builtWords;
  const bits = new Uint32Array(EOS + 1);
  const lengths = new Uint8Array(EOS + 1);
  let next = 0;
  for (let length = 1; length <= EOS_LENGTH; length++) {
    next *= 2;
    for (let symbol = 0; symbol <= EOS; symbol++) {
      if (lengthOf(symbol) !== length) continue;
      bits[symbol] = next++;
      lengths[symbol] = length;
    }
  }
  builtWords = { bits, lengths };
  return builtWords;
};

/** What half a byte does in a state: bits 0 to 7 the next state, 8 to 15 a byte, 16 whether there is one, 17 whether no such word exists. */
interface States {
  readonly moves: Uint32Array;
  /** 1 where a text may end: what came since its last byte is short and all ones. */
  readonly mayEnd: Uint8Array;
}

const EMITS = 1 << 16;
const FAILS = 1 << 17;

let builtStates: States | undefined;

/** Inner nodes of the tree of words are the states; the root is 0. children: two to a node; a leaf is -1 minus its symbol. */
const treeOfWords = (): { readonly children: Int32Array; readonly mayEnd: Uint8Array } => {
  const { bits, lengths } = words();
  const children = new Int32Array(2 * EOS);
  const mayEnd = new Uint8Array(EOS);
  mayEnd[0] = 1;
  let nodes = 1;
  for (let symbol = 0; symbol <= EOS; symbol++) {
    const length = lengths[symbol] as number;
    let node = 0;
    for (let depth = 1; depth <= length; depth++) {
      const side = 2 * node + (((bits[symbol] as number) >>> (length - depth)) & 1);
      if (depth === length) children[side] = -1 - symbol;
      else {
        if (children[side] === 0) children[side] = nodes++;
        node = children[side] as number;
        if (symbol === EOS && depth <= LONGEST_PADDING) mayEnd[node] = 1;
      }
    }
  }
  return { children, mayEnd };
};

const states = (): States => {
  if (builtStates) return builtStates;
  const { children, mayEnd } = treeOfWords();
  const moves = new Uint32Array(16 * EOS);
  for (let state = 0; state < EOS; state++) {
    for (let half = 0; half < 16; half++) {
      let node = state;
      let move = 0;
      for (let bit = 3; bit >= 0; bit--) {
        const child = children[2 * node + ((half >>> bit) & 1)] as number;
        if (child === -1 - EOS) move |= FAILS;
        else if (child < 0) move |= EMITS | ((-1 - child) << 8);
        node = Math.max(0, child);
      }
      moves[16 * state + half] = move | node;
    }
  }
  builtStates = { moves, mayEnd };
  return builtStates;
};

let scratch = Buffer.allocUnsafe(1024);

/** The text (latin-1) of the bytes between `from` and `to`. Throws ConnectionFault for what is no such text. */
export const huffmanDecode = (bytes: Buffer, from: number, to: number): string => {
  const { moves, mayEnd } = states();
  // The shortest word has five bits.
  const most = ((to - from) * 8) / 5;
  if (scratch.length < most) scratch = Buffer.allocUnsafe(2 * Math.ceil(most));
  const out = scratch;
  let state = 0;
  let length = 0;
  let failed = 0;
  for (let at = from; at < to; at++) {
    const byte = bytes[at] as number;
    const high = moves[16 * state + (byte >>> 4)] as number;
    if (high & EMITS) out[length++] = (high >>> 8) & 255;
    const low = moves[16 * (high & 255) + (byte & 15)] as number;
    if (low & EMITS) out[length++] = (low >>> 8) & 255;
    state = low & 255;
    failed |= high | low;
  }
  if (failed & FAILS || mayEnd[state] === 0) throw new ConnectionFault(ERROR.compression, 'bytes that are no Huffman text');
  return out.toString('latin1', 0, length);
};

/** How many bytes a latin-1 text takes. */
export const huffmanLength = (text: string): number => {
  const { lengths } = words();
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += lengths[text.charCodeAt(i) & 255] as number;
  return (bits + 7) >>> 3;
};

/** Writes a latin-1 text at `at`; returns where it ends. */
export const huffmanEncode = (text: string, out: Buffer, at: number): number => {
  const { bits, lengths } = words();
  let held = 0;
  let count = 0;
  let to = at;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i) & 255;
    let left = lengths[symbol] as number;
    const word = bits[symbol] as number;
    while (left > 0) {
      const take = Math.min(left, 8 - count);
      held = (held << take) | ((word >>> (left - take)) & ((1 << take) - 1));
      left -= take;
      count += take;
      if (count === 8) {
        out[to++] = held;
        held = 0;
        count = 0;
      }
    }
  }
  if (count > 0) out[to++] = (held << (8 - count)) | (0xff >>> count);
  return to;
};
