/** What is told of an error: one sentence for whoever typed the command. Pure. */

interface Taken {
  readonly code: 'EADDRINUSE';
  readonly address: string;
  readonly port: number;
}

const isTaken = (error: unknown): error is Taken =>
  error instanceof Error && 'code' in error && error.code === 'EADDRINUSE' && 'port' in error;

/** Without stack, and without the names of system calls where a plain word exists. */
export const sentenceOf = (error: unknown): string => {
  if (isTaken(error)) return `${error.address}:${error.port} is used by another program; end it, or choose another port`;
  return error instanceof Error ? error.message : String(error);
};
