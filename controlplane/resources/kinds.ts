/** The list: which apiVersion and kind is which resource, its shape, and what is checked beyond the shape. */
import { destinationRuleShape } from './destination-rule.ts';
import { gatewayShape } from './gateway.ts';
import type { Complaint } from './problem.ts';
import type { ActiveKind } from './resource.ts';
import { serviceShape } from './service.ts';
import { serviceEntryShape } from './service-entry.ts';
import type { Shape } from './shape.ts';
import { validateDestinationRule } from './validate-destination-rule.ts';
import { validateGateway } from './validate-gateway.ts';
import { validateService, validateServiceEntry, validateWorkloadEntry } from './validate-service-entry.ts';
import { validateVirtualService } from './validate-virtual-service.ts';
import { virtualServiceShape } from './virtual-service.ts';
import { workloadEntryShape } from './workload-entry.ts';

/** A kind that this mesh acts on. */
export interface KindRow {
  readonly kind: ActiveKind;
  readonly apiVersions: readonly string[];
  readonly shape: Shape<unknown>;
  /** Paths in its complaints start at `spec`. */
  readonly validate: (spec: never) => readonly Complaint[];
}

const ISTIO = ['networking.istio.io/v1', 'networking.istio.io/v1beta1', 'networking.istio.io/v1alpha3'];

/** Every active kind. */
export const KINDS: readonly KindRow[] = [
  { kind: 'VirtualService', apiVersions: ISTIO, shape: virtualServiceShape, validate: validateVirtualService },
  { kind: 'DestinationRule', apiVersions: ISTIO, shape: destinationRuleShape, validate: validateDestinationRule },
  { kind: 'Gateway', apiVersions: ISTIO, shape: gatewayShape, validate: validateGateway },
  { kind: 'ServiceEntry', apiVersions: ISTIO, shape: serviceEntryShape, validate: validateServiceEntry },
  { kind: 'WorkloadEntry', apiVersions: ISTIO, shape: workloadEntryShape, validate: validateWorkloadEntry },
  { kind: 'Service', apiVersions: ['v1'], shape: serviceShape, validate: validateService },
];

/** Groups whose other kinds are kept and shown, with a note that they change nothing here. */
const INERT_GROUPS =
  /^(?:v1|apps\/v1|batch\/v1|policy\/v1\w*|networking\.k8s\.io\/v1|rbac\.authorization\.k8s\.io\/v1|(?:networking|security|telemetry|extensions|install)\.istio\.io\/v1\w*|gateway\.networking\.k8s\.io\/v1\w*)$/;

/** How a document of that apiVersion and kind is treated. */
export const findKind = (apiVersion: string, kind: string): KindRow | 'inert' | undefined => {
  const row = KINDS.find((candidate) => candidate.kind === kind && candidate.apiVersions.includes(apiVersion));
  return (
    row ??
    (INERT_GROUPS.test(apiVersion) && !KINDS.some((candidate) => candidate.kind === kind && sameGroup(candidate, apiVersion))
      ? 'inert'
      : undefined)
  );
};

const sameGroup = (row: KindRow, apiVersion: string): boolean =>
  row.apiVersions.some((known) => known.split('/')[0] === apiVersion.split('/')[0]);
