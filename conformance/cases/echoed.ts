/** What the scripted echo says of the request that reached it. */
import type { Answer } from '../define-case.ts';
import { Mismatch } from '../expect.ts';

/** The echo's words. Header names as they came on its wire. */
export interface Echoed {
  readonly workload: string;
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

/** Scripts the echo: `fail=503;until=3`, `delay=250`, `chunked`. */
export const BEHAVE = 'x-lab-behave';

/** The echo's JSON out of a body; a mismatch when it is something else. */
export const readEcho = (body: string): Echoed => {
  try {
    return JSON.parse(body) as Echoed;
  } catch (cause) {
    const mismatch = new Mismatch('body of the answer', "the echo's JSON", JSON.stringify(body.slice(0, 500)));
    mismatch.cause = cause;
    throw mismatch;
  }
};

/** The same of an answer. */
export const echoOf = (answer: Answer): Echoed => readEcho(answer.body);

/** Values of one header as the program saw them. */
export const seen = (echoed: Echoed, name: string): string[] =>
  echoed.headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);

/** First value of a response header. */
export const header = (answer: Answer, name: string): string | undefined => answer.headers.find(([key]) => key.toLowerCase() === name)?.[1];
