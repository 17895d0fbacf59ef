/** What verbs print: aligned columns for people; JSON and YAML for programs. What went wrong goes to standard error. */
import { InvalidArgumentError, Option } from 'commander';

/** `--output`. */
export interface OutputOption {
  readonly output?: string;
}

/** The option, with the formats that this verb has beside its table. */
export const outputOption = (...formats: readonly string[]): Option =>
  new Option('-o, --output <format>', `${formats.join(', ')}; a table when absent`).argParser((given) => {
    if (!formats.includes(given)) throw new InvalidArgumentError(`It is one of ${formats.join(', ')}.`);
    return given;
  });

/** One line of text. */
export const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** One line for people, where a program that reads the output does not see it. */
export const warn = (line: string): void => void process.stderr.write(`${line}\n`);

/** Columns as wide as their widest cell, three spaces apart, as kubectl has them. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('   ')
      .trimEnd();
  return [head, ...rows].map(line).join('\n');
};

/** The value as JSON or YAML, or the text made from it. wide: more columns are wanted. */
export const show = async ({ output }: OutputOption, value: unknown, asText: (wide: boolean) => string): Promise<void> => {
  if (output === 'json') print(JSON.stringify(value, null, 2));
  else if (output === 'yaml') print((await import('yaml')).stringify(value).trimEnd());
  else print(asText(output === 'wide'));
};
