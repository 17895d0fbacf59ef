/** What a proxy counts. */

/** Value of a statistic on a page of them; 0 when it is not there. */
export const readStat = (page: string, name: string): number => {
  const line = page
    .replaceAll(';.', '.')
    .split('\n')
    .find((one) => one.startsWith(`${name}: `));
  return line === undefined ? 0 : Number(line.slice(name.length + 2));
};
