/** What selectors and targetRefs must obey. Messages follow istioctl validate. Source: istio pkg/config/validation. */
import { fail, isDnsLabel } from '../../checks.ts';
import type { Complaint } from '../../problem.ts';

interface TargetRef {
  readonly group?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
}

interface Selection {
  readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
  readonly targetRef?: TargetRef;
  readonly targetRefs?: readonly TargetRef[];
}

const MOST_TARGETS = 16;

/** Paths in the complaints start at `spec`. */
export const checkSelection = ({ selector, targetRef, targetRefs = [] }: Selection): Complaint[] => {
  const complaints = [
    ...Object.entries(selector?.matchLabels ?? {}).flatMap(([key, value]) => checkLabel(key, value)),
    ...(targetRef ? checkTarget(targetRef, 'spec.targetRef') : []),
    ...targetRefs.flatMap((target, index) => checkTarget(target, `spec.targetRefs[${index}]`)),
  ];
  if (targetRefs.length > MOST_TARGETS) complaints.push(fail('spec.targetRefs', `at most ${MOST_TARGETS} targetRefs are allowed`));
  const given = [selector !== undefined, targetRef !== undefined, targetRefs.length > 0].filter(Boolean).length;
  if (given > 1) complaints.push(fail('spec', 'only one of targetRefs or workloadSelector can be set'));
  return complaints;
};

const checkLabel = (key: string, value: string): Complaint[] => {
  const path = `spec.selector.matchLabels${key === '' ? '' : `.${key}`}`;
  const shown = `"${key.slice(0, 80)}=${value.slice(0, 80)}"`;
  if (key === '') return [fail(path, `empty key is not supported in selector: ${shown}`)];
  return `${key}${value}`.includes('*') ? [fail(path, `wildcard is not supported in selector: ${shown}`)] : [];
};

/** What a policy may be attached to. */
const TARGETS: readonly string[] = [
  'gateway.networking.k8s.io/Gateway',
  'gateway.networking.k8s.io/GatewayClass',
  '/Service',
  'core/Service',
  'networking.istio.io/ServiceEntry',
];

const checkTarget = ({ group = '', kind = '', name = '', namespace = '' }: TargetRef, path: string): Complaint[] => [
  ...(name === '' ? [fail(path, 'targetRef name must be set')] : []),
  ...(kind === '' ? [fail(path, 'targetRef kind must be set')] : []),
  ...(namespace === '' ? [] : [fail(`${path}.namespace`, 'cross namespace referencing is not currently supported')]),
  ...(kind === '' || TARGETS.includes(`${group}/${kind}`)
    ? []
    : [fail(path, `targetRef must be to one of ${TARGETS.join(', ')} but was ${`${group}/${kind}`.slice(0, 100)}`)]),
  ...(kind === 'Service' && !isDnsLabel(name) && name !== '' ? [fail(`${path}.name`, 'is not a name of a Service')] : []),
];
