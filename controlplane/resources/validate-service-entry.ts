/** What ServiceEntry, WorkloadEntry and Service must obey beyond their shapes. Messages follow istioctl validate. */
import { checkPort, fail, isHost, notApplied, repeated, warn } from './checks.ts';
import type { Complaint } from './problem.ts';
import type { ServiceSpec } from './service.ts';
import type { ServiceEntrySpec } from './service-entry.ts';
import type { WorkloadEntrySpec } from './workload-entry.ts';

/** Paths in the complaints start at `spec`. */
export const validateServiceEntry = (spec: ServiceEntrySpec): readonly Complaint[] => {
  const complaints: Complaint[] = [...checkEntryPorts(spec), ...checkEntryEndpoints(spec)];
  if (!spec.hosts?.length) complaints.push(fail('spec.hosts', 'service entry must have at least one host'));
  for (const [index, host] of (spec.hosts ?? []).entries()) {
    if (host === '*' || !isHost(host)) complaints.push(fail(`spec.hosts[${index}]`, `invalid host ${host.slice(0, 100)}`));
  }
  if (spec.addresses?.some((address) => address.includes('/'))) complaints.push(notApplied('spec.addresses'));
  return complaints;
};

const checkEntryPorts = ({ ports = [], addresses }: ServiceEntrySpec): Complaint[] => {
  const complaints = ports.flatMap((port, index) => [
    ...checkPort(port.number, `spec.ports[${index}].number`),
    ...(port.number === undefined ? [fail(`spec.ports[${index}]`, 'port number is required')] : []),
    ...(port.name === undefined ? [fail(`spec.ports[${index}]`, 'port name is required')] : []),
  ]);
  for (const number of repeated(ports.map((port) => String(port.number))))
    complaints.push(fail('spec.ports', `service entry port number ${number} already defined`));
  for (const name of repeated(ports.map((port) => port.name ?? '')))
    complaints.push(fail('spec.ports', `service entry port name "${name}" already defined`));
  const tcp = ports.findIndex((port) => port.protocol?.toUpperCase() === 'TCP');
  if (tcp >= 0 && !addresses?.length)
    complaints.push(warn(`spec.ports[${tcp}]`, 'addresses are required for ports serving TCP (or unset) protocol'));
  return complaints;
};

const checkEntryEndpoints = ({
  endpoints = [],
  workloadSelector,
  resolution = 'NONE',
  hosts = [],
  ports = [],
}: ServiceEntrySpec): Complaint[] => {
  const complaints: Complaint[] = [];
  if (endpoints.length > 0 && workloadSelector)
    complaints.push(fail('spec', 'only one of WorkloadSelector or Endpoints is allowed in Service Entry'));
  if (endpoints.length > 0 && resolution === 'NONE')
    complaints.push(fail('spec.resolution', 'no endpoints should be provided for resolution type none'));
  if (resolution === 'DNS' && endpoints.length === 0 && hosts.some((host) => host.startsWith('*')))
    complaints.push(fail('spec.hosts', 'hosts must be FQDN if no endpoints are provided for resolution mode DNS'));
  if (resolution === 'DNS_ROUND_ROBIN') complaints.push(notApplied('spec.resolution'));
  for (const [index, endpoint] of endpoints.entries()) {
    const path = `spec.endpoints[${index}]`;
    if (!endpoint.address) complaints.push(fail(path, 'endpoint address is required'));
    for (const name of Object.keys(endpoint.ports ?? {})) {
      if (!ports.some((port) => port.name === name))
        complaints.push(fail(`${path}.ports.${name}`, `endpoint port ${name} is not defined by the service entry`));
    }
  }
  return complaints;
};

/** Paths in the complaints start at `spec`. */
export const validateWorkloadEntry = (spec: WorkloadEntrySpec): readonly Complaint[] => {
  const complaints = Object.entries(spec.ports ?? {}).flatMap(([name, port]) => checkPort(port, `spec.ports.${name}`));
  return spec.address ? complaints : [...complaints, fail('spec.address', 'address is required')];
};

/** Paths in the complaints start at `spec`. */
export const validateService = (spec: ServiceSpec): readonly Complaint[] => {
  const complaints = (spec.ports ?? []).flatMap((port, index) => [
    ...checkPort(port.port, `spec.ports[${index}].port`),
    ...(port.port === undefined ? [fail(`spec.ports[${index}]`, 'port is required')] : []),
    ...(typeof port.targetPort === 'string' && !/^\d+$/.test(port.targetPort) ? [notApplied(`spec.ports[${index}].targetPort`)] : []),
  ]);
  return spec.type === 'ExternalName' ? [...complaints, notApplied('spec.type')] : complaints;
};
