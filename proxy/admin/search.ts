/** Patterns that come with a question: RE2, so that nobody can stall the proxy with one. */
import { compileSearch, type TextTest } from '../http/string-match.ts';
import { AdminRequestError } from './answer.ts';

/** Undefined when nothing was asked for. Throws AdminRequestError when the text is no regular expression. */
export const search = (pattern: string | null): TextTest | undefined => {
  if (pattern === null) return undefined;
  try {
    return compileSearch(pattern);
  } catch (error) {
    throw new AdminRequestError(`Invalid re2 regex: ${error instanceof Error ? error.message : String(error)}`);
  }
};
