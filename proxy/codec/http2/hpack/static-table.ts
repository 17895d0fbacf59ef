/** The fields that both ends of HTTP/2 know by number (RFC 7541 appendix A). */

const FIELDS =
  `:authority|:method=GET|:method=POST|:path=/|:path=/index.html|:scheme=http|:scheme=https|:status=200|:status=204|:status=206|:status=304
|:status=400|:status=404|:status=500|accept-charset|accept-encoding=gzip, deflate|accept-language|accept-ranges|accept|access-control-allow-origin|age
|allow|authorization|cache-control|content-disposition|content-encoding|content-language|content-length|content-location|content-range|content-type
|cookie|date|etag|expect|expires|from|host|if-match|if-modified-since|if-none-match|if-range|if-unmodified-since|last-modified|link|location|max-forwards
|proxy-authenticate|proxy-authorization|range|referer|refresh|retry-after|server|set-cookie|strict-transport-security|transfer-encoding|user-agent|vary|via
|www-authenticate`
    .replaceAll('\n', '')
    .split('|')
    .map((field) => field.split('='));

/** Index 0 is none: numbers begin at 1. */
export const STATIC_NAMES: readonly string[] = ['', ...FIELDS.map(([name = '']) => name)];

/** Empty where only the name is known. */
export const STATIC_VALUES: readonly string[] = ['', ...FIELDS.map(([, value = '']) => value)];

/** How many there are. */
export const STATIC_COUNT = FIELDS.length;

/** First number of each name. */
export const STATIC_BY_NAME: ReadonlyMap<string, number> = new Map(
  STATIC_NAMES.map((name, index) => [name, index] as const)
    .slice(1)
    .toReversed(),
);

/** Numbers of a name and its value. */
export const staticIndex = (name: string, value: string): number | undefined => {
  for (let index = STATIC_BY_NAME.get(name) ?? STATIC_NAMES.length; STATIC_NAMES[index] === name; index++)
    if (STATIC_VALUES[index] === value) return index;
  return undefined;
};
