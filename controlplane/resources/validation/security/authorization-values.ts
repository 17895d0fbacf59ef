/** Values of an AuthorizationPolicy: texts with wildcards, ports, ranges of addresses, paths. Messages follow istioctl validate. */
import { ipFamily } from '#system/ip.ts';
import { fail } from '../../checks.ts';
import type { Complaint } from '../../problem.ts';

type Texts = readonly string[] | undefined;

/** Longer is no name that anybody has, and every request would be compared with it. */
const LONGEST = 1024;

const goName = (field: string): string => field.charAt(0).toUpperCase() + field.slice(1);

/** Never empty, and not longer than any sensible name. field: as Istio's message names it. */
export const checkValues = (values: Texts, path: string, field: string): Complaint[] =>
  (values ?? []).flatMap((value, index) => {
    if (value === '') return [fail(`${path}[${index}]`, `empty value not allowed, found in ${goName(field)}`)];
    return value.length > LONGEST ? [fail(`${path}[${index}]`, `longer than ${LONGEST} characters, found in ${goName(field)}`)] : [];
  });

/** Ports are text. */
export const checkPorts = (values: Texts, path: string): Complaint[] =>
  (values ?? []).flatMap((value, index) => {
    const shown = value.slice(0, 80);
    if (!/^\d+$/.test(value)) return value === '' ? [] : [fail(`${path}[${index}]`, `bad port (${shown}): must be a number`)];
    return Number(value) > 65_535 || value.length > 5 ? [fail(`${path}[${index}]`, `bad port (${shown}): must be at most 65535`)] : [];
  });

/** An address, or one with the number of bits that count. */
export const checkAddressRanges = (values: Texts, path: string): Complaint[] =>
  (values ?? []).flatMap((value, index) => {
    if (value === '' || isRange(value)) return [];
    const kind = value.includes('/') ? 'bad CIDR range' : 'bad IP address';
    return [fail(`${path}[${index}]`, `${kind} (${value.slice(0, 80)})`)];
  });

const isRange = (value: string): boolean => {
  const [address = '', bits, ...more] = value.split('/');
  const family = ipFamily(address);
  if (family === 0 || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32));
};

/** Of a path without templates `*` may be first or last only: anywhere else it would be compared as a letter. */
export const checkPaths = (values: Texts, path: string, field: string): Complaint[] =>
  (values ?? []).flatMap((value, index) => {
    const fault = /[{}]/.test(value) ? templateFault(value) : wildcardFault(value);
    if (fault === undefined) return [];
    return [
      fail(
        `${path}[${index}]`,
        `invalid or unsupported path ${value.replace(/^\//, '').slice(0, 100)}, found in ${goName(field)}. ${fault}`,
      ),
    ];
  });

const wildcardFault = (path: string): string | undefined =>
  path.slice(1, -1).includes('*') || (path.length > 1 && path.startsWith('*') && path.endsWith('*') && path !== '**')
    ? 'A "*" in the middle means itself; use the templates {*} and {**}'
    : undefined;

/** Source: istio pkg/config/security CheckValidPathTemplate. */
const templateFault = (path: string): string | undefined => {
  const segments = path.replace(/^\//, '').split('/');
  for (const [index, segment] of segments.entries()) {
    if (segment === '{*}') continue;
    if (segment === '{**}') {
      if (index < segments.length - 1) return '{**} is not the last operator';
      continue;
    }
    if (/[{}]/.test(segment)) return "Contains '{' or '}' beyond a supported path template";
    if (!/^[\w%~.!$&'()+,;=:@-]*$/.test(segment)) return `Contains segment ${segment.slice(0, 80)} with invalid string literal`;
  }
  return undefined;
};
