/** Who stands behind a service. Pure. */
import { ipFamily } from '#system/ip.ts';
import { inboundModes } from '../../mesh/effective-policy.ts';
import { selects } from '../../mesh/labels.ts';
import type { Mesh, MeshService, ServicePort } from '../../mesh/mesh.ts';
import { hasIdentity } from '../tls-contexts.ts';

/** One address behind a service. */
export interface ServiceEndpoint {
  readonly address: string;
  readonly port: number;
  readonly weight: number;
  readonly labels?: Readonly<Record<string, string>>;
  /** `region/zone/subzone`. */
  readonly locality?: string;
  /** It has an identity and takes mutual TLS on that port. */
  readonly isMutual?: boolean;
}

/** subset: labels that an endpoint must have; empty = all endpoints. Names are left to clusters that resolve them: elsewhere one of them would make proxies refuse the rest. */
export const endpointsOf = (
  mesh: Mesh,
  service: MeshService,
  port: ServicePort,
  subset: Readonly<Record<string, string>>,
): ServiceEndpoint[] => {
  const inSubset = (labels: Readonly<Record<string, string>>) => Object.keys(subset).length === 0 || selects(subset, labels);
  const candidates = service.discovery === 'selected' ? selectedWorkloads(mesh, service) : service.endpoints;
  return candidates
    .filter(({ labels, address }) => inSubset(labels) && (service.discovery === 'dns' || ipFamily(address) !== 0))
    .map((endpoint) => {
      const { address, weight, ports, labels, locality } = endpoint;
      const number = ports?.[port.name] ?? port.targetPort;
      const isMutual = 'serviceAccount' in endpoint && takesMutualTls(mesh, endpoint, number);
      return { address, weight: weight ?? 1, port: number, labels, ...(locality && { locality }), ...(isMutual && { isMutual }) };
    });
};

const takesMutualTls = (mesh: Mesh, workload: Mesh['workloads'][number], port: number): boolean =>
  hasIdentity(workload.labels) && inboundModes(mesh, workload)(port) !== 'DISABLE';

/** `NAMESPACE/ACCOUNT` of every workload behind the service that has an identity, each once. */
export const accountsBehind = (mesh: Mesh, service: MeshService): string[] => {
  const workloads = service.discovery === 'selected' ? selectedWorkloads(mesh, service) : [];
  const accounts = workloads
    .filter(({ labels }) => hasIdentity(labels))
    .map(({ namespace, serviceAccount }) => `${namespace}/${serviceAccount}`);
  return [...new Set(accounts)].sort();
};

const selectedWorkloads = ({ workloads }: Mesh, { namespace, selector }: MeshService) =>
  workloads.filter((workload) => workload.type === 'sidecar' && workload.namespace === namespace && selects(selector, workload.labels));

/** Address of a TCP socket, in Envoy's form. */
export const socketAddress = (address: string, port: number) =>
  ({ address: { $case: 'socketAddress', value: { address, portSpecifier: { $case: 'portValue', value: port } } } }) as const;
