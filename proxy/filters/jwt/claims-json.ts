/**
 * JSON of strangers, to the letter of RFC 8259: bounded in depth, a name only once in an object, whole Unicode text, finite numbers. Objects have
 * no prototype, so that no claim is called `__proto__` by accident or finds what nobody wrote.
 */

/** What JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** A JSON object. */
export type JsonObject = { readonly [name: string]: Json };

/** As Envoy's reader. */
const MAX_DEPTH = 100;

const SPACE = /[ \t\n\r]*/y;
const TEXT = /"(?:[^"\\\p{Cc}]|[\x7f-\x9f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORDS = { true: true, false: false, null: null } as const;

/** One pass over one text. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): Json {
    const value = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) throw new SyntaxError('more text after the value');
    return value;
  }

  #value(depth: number): Json {
    if (depth > MAX_DEPTH) throw new SyntaxError('too deep');
    this.#space();
    const first = this.#text[this.#at];
    if (first === '{') return this.#object(depth);
    if (first === '[') return this.#list(depth);
    if (first === '"') return this.#string();
    for (const [word, value] of Object.entries(WORDS)) {
      if (!this.#text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      return value;
    }
    const number = Number(this.#take(NUMBER));
    if (!Number.isFinite(number)) throw new SyntaxError('a number that is too big');
    return number;
  }

  #object(depth: number): JsonObject {
    const fields: Record<string, Json> = Object.create(null);
    this.#each('}', () => {
      const name = this.#string();
      if (name in fields) throw new SyntaxError('a name twice');
      this.#space();
      this.#expect(':');
      fields[name] = this.#value(depth + 1);
    });
    return fields;
  }

  #list(depth: number): Json[] {
    const items: Json[] = [];
    this.#each(']', () => void items.push(this.#value(depth + 1)));
    return items;
  }

  /** Items between an opening sign and `close`, with commas. */
  #each(close: string, item: () => void): void {
    this.#at++;
    this.#space();
    if (this.#text[this.#at] === close) {
      this.#at++;
      return;
    }
    for (;;) {
      this.#space();
      item();
      this.#space();
      if (this.#text[this.#at] !== ',') break;
      this.#at++;
    }
    this.#expect(close);
  }

  #string(): string {
    const text = JSON.parse(this.#take(TEXT)) as string;
    if (!text.isWellFormed()) throw new SyntaxError('half a character');
    return text;
  }

  #expect(sign: string): void {
    if (this.#text[this.#at++] !== sign) throw new SyntaxError(`no ${sign}`);
  }

  #space(): void {
    this.#take(SPACE);
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (!found) throw new SyntaxError('not JSON');
    this.#at = pattern.lastIndex;
    return found[0];
  }
}

/** Undefined when the text is not exactly one such object. */
export const parseObject = (text: string): JsonObject | undefined => {
  try {
    const value = new Reader(text).whole();
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
};
