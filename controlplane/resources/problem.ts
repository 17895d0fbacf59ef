/** Complaints about a document. Parsers and analyzers collect them; nobody stops at the first. */
import type { Problem } from '#api/resource.ts';

/** A complaint that does not know yet where its document stands. */
export interface Complaint {
  readonly severity: Problem['severity'];
  readonly code?: string;
  /** From the document's root: `spec.http[0].route`. */
  readonly path: string;
  readonly message: string;
  /** Point at the field's name instead of at its value. */
  readonly atKey?: boolean;
}

/** Finds the 1-based place of a field path in its file; the document's start when the path does not exist. */
export type Locate = (path: string, atKey: boolean) => { readonly line: number; readonly column: number };

/** `file:line:column: path: message`, as compilers print it. */
export const formatProblem = (problem: Problem): string => {
  const code = problem.code === '' ? '' : ` [${problem.code}]`;
  const subject = [problem.resource, problem.path].filter((part) => part !== '').join(' ');
  return `${problem.file}:${problem.line}:${problem.column}: ${problem.severity}${code}: ${subject === '' ? '' : `${subject}: `}${problem.message}`;
};

/** True when something is wrong enough that nothing may be applied. */
export const hasErrors = (problems: readonly Problem[]): boolean => problems.some((problem) => problem.severity === 'error');
