/** Assertions of cases. They carry what was expected and what came instead as data; the words around them are made from the case record. */

/** A claim that did not hold. */
export class Mismatch extends Error {
  override readonly name = 'Mismatch';
  readonly what: string;
  readonly expected: string;
  readonly actual: string;

  constructor(what: string, expected: string, actual: string) {
    super(`${what}: expected ${expected}, got ${actual}`);
    this.what = what;
    this.expected = expected;
    this.actual = actual;
  }
}

/** A handshake that did not come about. */
export class HandshakeFailed extends Error {
  override readonly name = 'HandshakeFailed';
}

const shown = (value: unknown): string => (typeof value === 'string' ? JSON.stringify(value) : (JSON.stringify(value) ?? 'undefined'));

/** Deep equality of plain data. */
export const expectEqual = <T>(what: string, actual: T, expected: T): void => {
  if (shown(actual) !== shown(expected)) throw new Mismatch(what, shown(expected), shown(actual));
};

/** expected: the condition in words. */
export const expectThat = (what: string, holds: boolean, expected: string, actual: unknown): void => {
  if (!holds) throw new Mismatch(what, expected, shown(actual));
};

/** Closed interval. */
export const expectBetween = (what: string, actual: number, [low, high]: readonly [number, number]): void =>
  // Five digits say all that a share of some thousands can.
  expectThat(what, actual >= low && actual <= high, `${low} to ${high}`, Number(actual.toPrecision(5)));

/** Text contains text. */
export const expectContains = (what: string, actual: string, part: string): void =>
  expectThat(what, actual.includes(part), `text with ${JSON.stringify(part)}`, actual);
