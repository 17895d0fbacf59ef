/** What PeerAuthentications ask of a workload's clients, together. Pure. Source: istio pilot/pkg/security/authn/policy_applier.go ComposePeerAuthentication. */
import { selects } from './labels.ts';
import type { Mesh } from './mesh.ts';

/** DISABLE: plain text only; PERMISSIVE: both; STRICT: mutual TLS only. */
export type InboundMode = 'DISABLE' | 'PERMISSIVE' | 'STRICT';

/** Whom a policy may be about. */
interface Workload {
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
