/** What verbs print: aligned columns for people, JSON for programs. */

/** `--output`. */
export interface OutputOption {
  readonly output?: string;
}

/** One line of text. */
export const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** True when the caller wants JSON. Throws on a format that does not exist. */
export const wantsJson = ({ output }: OutputOption): boolean => {
  if (output !== undefined && output !== 'json')
    throw new Error(`--output ${output} is not supported; the only format beside the table is json`);
  return output === 'json';
};

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

/** The value as JSON, or the table made from it. */
export const show = (option: OutputOption, value: unknown, asText: () => string): void =>
  print(wantsJson(option) ? JSON.stringify(value, null, 2) : asText());
