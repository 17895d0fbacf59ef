/** What an apply was refused for, as lines. Pure. */
import type { Problem } from '#api/resource.ts';

/** `file:line:column: path: message` of every error; none when it was accepted. */
export const refusalsIn = (problems: readonly Problem[]): string[] =>
  problems
    .filter(({ severity }) => severity === 'error')
    .map(({ file, line, column, path, message }) => `${file}:${line}:${column}: ${path}: ${message}`);

/** Throws with the first error. For configuration that must be right, such as a definition's own. */
export const mustBeAccepted = (problems: readonly Problem[]): void => {
  const [first] = refusalsIn(problems);
  if (first !== undefined) throw new Error(first);
};
