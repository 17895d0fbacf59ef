/** Which policies apply to a workload, and what they ask together. Pure. Sources: istio pilot/pkg/security/authn/policy_applier.go ComposePeerAuthentication, pilot/pkg/model/policyattachment.go. */
import type { ResourceOf } from '../resources/resource.ts';
import { selects } from './labels.ts';
import type { Mesh } from './mesh.ts';

/** DISABLE: plain text only; PERMISSIVE: both; STRICT: mutual TLS only. */
export type InboundMode = 'DISABLE' | 'PERMISSIVE' | 'STRICT';

/** Whom a policy may be about. */
export interface Workload {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** What decides it. Policies are oldest first. */
export type PeerPolicies = Pick<Mesh, 'peerAuthentications'> & { readonly config: Pick<Mesh['config'], 'rootNamespace'> };

/**
 * The mode of each port of the workload: port, then workload, then namespace, then mesh; UNSET leaves it to the next. The oldest of a level decides alone.
 * A policy with a selector in the root namespace selects nobody, as in Istio.
 */
export const inboundModes = (
  { peerAuthentications, config }: PeerPolicies,
  { namespace, labels }: Workload,
): ((port: number) => InboundMode) => {
  const policies = peerAuthentications.map(({ resource }) => resource);
  const wanted = (policy: (typeof policies)[number]) => policy.spec.selector?.matchLabels ?? {};
  const general = policies.filter((policy) => Object.keys(wanted(policy)).length === 0);
  const ofMesh = general.find(({ metadata }) => metadata.namespace === config.rootNamespace);
  const ofNamespace = general.find(({ metadata }) => metadata.namespace === namespace);
  const ofWorkload = policies.find(
    (policy) => policy.metadata.namespace === namespace && namespace !== config.rootNamespace && selects(wanted(policy), labels),
  );
  const whole = firstSet([ofWorkload, ofNamespace, ofMesh].map((policy) => policy?.spec.mtls?.mode));
  return (port) => firstSet([ofWorkload?.spec.portLevelMtls?.[String(port)]?.mode, whole]);
};

const firstSet = (modes: readonly (InboundMode | 'UNSET' | undefined)[]): InboundMode =>
  (modes.find((mode) => mode !== undefined && mode !== 'UNSET') as InboundMode | undefined) ?? 'PERMISSIVE';

/** The part of a policy that says whom it is about. */
export interface Targeted {
  readonly metadata: { readonly namespace: string };
  readonly spec: {
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly targetRef?: TargetRef;
    readonly targetRefs?: readonly TargetRef[];
  };
}

/** What a policy is attached to by name. */
interface TargetRef {
  readonly group?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
}

/** The label by which a proxy is one of a Gateway of the Gateway API. */
const GATEWAY_NAME = 'gateway.networking.k8s.io/gateway-name';

/** Own namespace and root namespace; by labels, or by the name of the Gateway that the proxy is one of. */
export const appliesTo = ({ namespace, labels }: Workload, rootNamespace: string): ((policy: Targeted) => boolean) => {
  const gateway = labels[GATEWAY_NAME];
  return ({ metadata, spec }) => {
    if (metadata.namespace !== namespace && metadata.namespace !== rootNamespace) return false;
    const targets = targetsOf(spec);
    if (targets.length === 0) {
      const wanted = spec.selector?.matchLabels ?? {};
      return Object.keys(wanted).length === 0 || selects(wanted, labels);
    }
    return metadata.namespace === namespace && gateway !== undefined && targets.some((target) => isGateway(target, gateway, namespace));
  };
};

/** Both spellings as one. */
export const targetsOf = ({ targetRef, targetRefs }: Targeted['spec']): readonly TargetRef[] =>
  targetRefs?.length ? targetRefs : targetRef ? [targetRef] : [];

const isGateway = (target: TargetRef, name: string, namespace: string): boolean =>
  target.group === 'gateway.networking.k8s.io' &&
  target.kind === 'Gateway' &&
  target.name === name &&
  (!target.namespace || target.namespace === namespace);

type Policies = Pick<Mesh, 'authorizationPolicies' | 'requestAuthentications'> & PeerPolicies;

/** The AuthorizationPolicies in force for a workload. */
export const policiesFor = (
  { authorizationPolicies, config }: Pick<Policies, 'authorizationPolicies' | 'config'>,
  workload: Workload,
): ResourceOf<'AuthorizationPolicy'>[] =>
  authorizationPolicies.map(({ resource }) => resource).filter(appliesTo(workload, config.rootNamespace));

/** The RequestAuthentications in force for a workload. */
export const tokenPoliciesFor = (
  { requestAuthentications, config }: Pick<Policies, 'requestAuthentications' | 'config'>,
  workload: Workload,
): ResourceOf<'RequestAuthentication'>[] =>
  requestAuthentications.map(({ resource }) => resource).filter(appliesTo(workload, config.rootNamespace));
