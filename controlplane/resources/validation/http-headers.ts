/** What header names and edits must obey. Messages follow istioctl validate; Envoy would refuse the rest. */
import { fail } from '../checks.ts';
import type { Complaint } from '../problem.ts';
import type { HeaderOperations, HttpRule } from '../virtual-service.ts';

/** RFC 9110 section 5.6.2: a token. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Why a name cannot be a header's; undefined when it can. */
export const headerNameFault = (name: string): string | undefined => {
  if (name === '') return 'header name cannot be empty';
  return TOKEN.test(name) ? undefined : `header name "${name.slice(0, 80)}" is not a valid header name`;
};

/** `headers` of a rule or of one destination. */
export const checkEdits = (headers: HttpRule['headers'], path: string): Complaint[] => [
  ...checkOperations(headers?.request, `${path}.request`, true),
  ...checkOperations(headers?.response, `${path}.response`, false),
];

const checkOperations = (operations: HeaderOperations | undefined, path: string, isRequest: boolean): Complaint[] => [
  ...checkValues(operations?.set, `${path}.set`, isRequest),
  ...checkValues(operations?.add, `${path}.add`, false),
  ...(operations?.remove ?? []).flatMap((name, index) => checkName(name, `${path}.remove[${index}]`)),
];

/** mayNameHost: setting `host` on a request rewrites the authority. */
const checkValues = (values: HeaderOperations['set'], path: string, mayNameHost: boolean): Complaint[] =>
  Object.entries(values ?? {}).flatMap(([name, value]) => [
    ...(mayNameHost && isHostName(name) ? [] : checkName(name, `${path}.${name}`)),
    ...(/[\0\r\n]/.test(value) ? [fail(`${path}.${name}`, 'a header value must be one line')] : []),
  ]);

const isHostName = (name: string): boolean => name.toLowerCase() === 'host' || name === ':authority';

const checkName = (name: string, path: string): Complaint[] => {
  if (name.startsWith(':')) return [fail(path, `invalid header "${name.slice(0, 80)}": header cannot have ":" prefix`)];
  if (name.toLowerCase() === 'host') return [fail(path, `invalid header "${name}": cannot set Host header`)];
  const fault = headerNameFault(name);
  return fault === undefined ? [] : [fail(path, fault)];
};
