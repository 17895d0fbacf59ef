/** `when`: which keys there are, and what their values may be. Messages follow istioctl validate. Source: istio pkg/config/security ValidateAttribute. */
import { fail } from '../../checks.ts';
import type { Complaint } from '../../problem.ts';
import type { AuthorizationRule } from '../../security/authorization-policy.ts';
import { checkAddressRanges, checkPorts, checkValues } from './authorization-values.ts';

type Condition = NonNullable<AuthorizationRule['when']>[number];

const RANGES: readonly string[] = ['source.ip', 'remote.ip', 'destination.ip'];

const PLAIN: readonly string[] = [
  ...RANGES,
  'source.namespace',
  'source.principal',
  'source.serviceAccount',
  'request.auth.principal',
  'request.auth.audiences',
  'request.auth.presenter',
  'destination.port',
  'connection.sni',
];

/** `request.headers[NAME]`, `request.auth.claims[NAME][NAME]…`, and Envoy's own under `experimental.`. */
const BRACKETED = [
  /^request\.headers\[[^\][]+\]$/,
  /^request\.auth\.claims(?:\[[^\][]+\])+$/,
  /^experimental\.envoy\.filters\.[\w.]+\[.+\]$/,
];

/** Keys that an external authorizer is not asked by. */
const IDENTITY: readonly string[] = ['source.namespace', 'source.principal', 'source.serviceAccount'];

/** isCustom: of an action CUSTOM. */
export const checkCondition = (condition: Condition, { path, isCustom }: { path: string; isCustom: boolean }): Complaint[] => {
  const { key = '', values, notValues } = condition;
  if (key === '') return [fail(path, '`key` must not be empty')];
  const shown = key.slice(0, 100);
  if (key.length > 1024 || !(PLAIN.includes(key) || BRACKETED.some((form) => form.test(key))))
    return [fail(`${path}.key`, `invalid \`value\` for \`key\` ${shown}: unknown attribute: ${shown}`)];
  if (!values?.length && !notValues?.length)
    return [fail(path, `at least one of \`values\` or \`notValues\` must be set for key ${shown}`)];
  const complaints = (['values', 'notValues'] as const).flatMap((field) => [
    ...checkValues(condition[field], `${path}.${field}`, field),
    ...(RANGES.includes(key) ? checkAddressRanges(condition[field], `${path}.${field}`) : []),
    ...(key === 'destination.port' ? checkPorts(condition[field], `${path}.${field}`) : []),
  ]);
  return isCustom && IDENTITY.includes(key)
    ? [...complaints, fail(`${path}.key`, `${shown} is not supported by CUSTOM action`)]
    : complaints;
};
