/** What the conditions of a rule must obey. Messages follow istioctl validate. */
import { checkPort, checkRegex, fail } from '../checks.ts';
import type { Complaint } from '../problem.ts';
import type { HttpMatch, StringMatch } from '../virtual-service.ts';
import { headerNameFault } from './http-headers.ts';

/** One entry of `match`. */
export const checkMatch = (match: HttpMatch, path: string, onMesh: boolean): Complaint[] => [
  ...checkString(match.uri, `${path}.uri`, { where: 'uri', emptyPrefix: true }),
  ...(['scheme', 'method', 'authority'] as const).flatMap((field) => checkString(match[field], `${path}.${field}`, { where: field })),
  ...(['headers', 'withoutHeaders'] as const).flatMap((field) => checkHeaders(match[field], `${path}.${field}`, onMesh)),
  ...Object.entries(match.queryParams ?? {}).flatMap(([name, value]) =>
    checkString(value, `${path}.queryParams.${name}`, { where: 'queryParams', emptyPrefix: true }),
  ),
  ...checkPort(match.port, `${path}.port`),
];

const checkHeaders = (headers: HttpMatch['headers'], path: string, onMesh: boolean): Complaint[] =>
  Object.entries(headers ?? {}).flatMap(([name, match]) => {
    const complaints = checkString(match, `${path}.${name}`, { where: 'headers' });
    if (name.startsWith('@request.auth.'))
      return onMesh
        ? [...complaints, fail(`${path}.${name}`, `JWT claim based routing (key: ${name}) is only supported for gateway`)]
        : complaints;
    const fault = headerNameFault(name);
    return fault === undefined ? complaints : [...complaints, fail(`${path}.${name}`, fault)];
  });

interface StringRules {
  /** The matched thing, as messages quote it. */
  readonly where: string;
  readonly emptyPrefix?: boolean;
}

/** At most one of exact, prefix and regex; a regex that RE2 takes. */
export const checkString = (match: StringMatch | undefined, path: string, { where, emptyPrefix = false }: StringRules): Complaint[] => {
  if (match === undefined) return [];
  const set = Object.keys(match);
  if (set.length > 1) return [fail(path, `only one of exact, prefix and regex may be set, but there are ${set.join(' and ')}`)];
  if (match.prefix === '' && !emptyPrefix) return [fail(`${path}.prefix`, `"${where}": prefix string match should not be empty`)];
  return checkRegex(match.regex, `${path}.regex`, where);
};
