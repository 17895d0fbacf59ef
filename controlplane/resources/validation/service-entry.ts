/** What ServiceEntry and WorkloadEntry must obey beyond their shapes. Messages follow istioctl validate. */
import { ipFamily } from '#system/ip.ts';
import { checkExportTo, checkPort, fail, hostFault, repeated, warn } from '../checks.ts';
import type { Complaint } from '../problem.ts';
import type { ServiceEntrySpec } from '../service-entry.ts';
import type { WorkloadEntrySpec } from '../workload-entry.ts';

/** Paths in the complaints start at `spec`. */
export const validateServiceEntry = (spec: ServiceEntrySpec): readonly Complaint[] => {
  const hosts = spec.hosts ?? [];
  const complaints = [...checkEntryPorts(spec), ...checkResolution(spec), ...checkEndpoints(spec), ...checkExportTo(spec.exportTo)];
  if (hosts.length === 0) complaints.push(fail('spec.hosts', 'service entry must have at least one host'));
  for (const [index, host] of hosts.entries()) {
    const fault = hostFault(host);
    if (host === '*') complaints.push(fail(`spec.hosts[${index}]`, 'invalid host *'));
    else if (fault !== undefined) complaints.push(fail(`spec.hosts[${index}]`, fault));
  }
  return [...complaints, ...checkAddresses(spec)];
};

const checkAddresses = ({ addresses = [], resolution = 'NONE' }: ServiceEntrySpec): Complaint[] => {
  const complaints = addresses.flatMap((address, index) => {
    const [ip = '', bits] = address.split('/', 2);
    const isAddress = ipFamily(ip) !== 0 && (bits === undefined || /^\d{1,3}$/.test(bits));
    return isAddress ? [] : [fail(`spec.addresses[${index}]`, `"${address.slice(0, 80)}" is not an IP address`)];
  });
  if (!addresses.some((address) => address.includes('/'))) return complaints;
  return resolution === 'NONE' || resolution === 'STATIC'
    ? [...complaints, warn('spec.addresses', 'ranges of addresses are accepted, but not applied by this mesh yet')]
    : [...complaints, fail('spec.addresses', 'CIDR addresses are allowed only for NONE/STATIC resolution types')];
};

const checkEntryPorts = ({ ports = [], addresses }: ServiceEntrySpec): Complaint[] => {
  const complaints = ports.flatMap((port, index) => [
    ...checkPort(port.number, `spec.ports[${index}].number`),
    ...checkPort(port.targetPort, `spec.ports[${index}].targetPort`),
    ...(port.number === undefined ? [fail(`spec.ports[${index}]`, 'port number is required')] : []),
    ...(port.name === undefined ? [fail(`spec.ports[${index}]`, 'port name is required')] : []),
  ]);
  for (const number of repeated(ports.map((port) => String(port.number))))
    complaints.push(fail('spec.ports', `service entry port ${number} already defined`));
  for (const name of repeated(ports.map((port) => port.name ?? '')))
    complaints.push(fail('spec.ports', `service entry port name "${name}" already defined`));
  const tcp = ports.findIndex((port) => port.protocol?.toUpperCase() === 'TCP');
  if (tcp >= 0 && !addresses?.length)
    complaints.push(warn(`spec.ports[${tcp}]`, 'addresses are required for ports serving TCP (or unset) protocol'));
  return complaints;
};

const checkResolution = ({ endpoints = [], workloadSelector, resolution = 'NONE', hosts = [] }: ServiceEntrySpec): Complaint[] => {
  const complaints: Complaint[] = [];
  if (endpoints.length > 0 && workloadSelector)
    complaints.push(fail('spec', 'only one of WorkloadSelector or Endpoints is allowed in Service Entry'));
  if (endpoints.length > 0 && resolution === 'NONE')
    complaints.push(fail('spec.resolution', 'no endpoints should be provided for resolution type none'));
  if (endpoints.length > 1 && resolution === 'DNS_ROUND_ROBIN')
    complaints.push(fail('spec.endpoints', 'there must only be 0 or 1 endpoint for resolution mode DNS_ROUND_ROBIN'));
  if (!resolution.startsWith('DNS') || endpoints.length > 0) return complaints;
  const wildcards = hosts.flatMap((host, index) => (host.startsWith('*.') ? [{ host, index }] : []));
  return [
    ...complaints,
    ...wildcards.map(({ host, index }) => {
      const reason = `domain name "${host}" invalid (label "*" invalid)`;
      const rule = `hosts must be FQDN or contain only prefix wildcards if no endpoints are provided for resolution mode ${resolution}`;
      return fail(`spec.hosts[${index}]`, `${rule}, ${reason}`);
    }),
  ];
};

const checkEndpoints = ({ endpoints = [], resolution, ports = [] }: ServiceEntrySpec): Complaint[] =>
  endpoints.flatMap((endpoint, index) => {
    const path = `spec.endpoints[${index}]`;
    const { address = '' } = endpoint;
    const complaints = [...checkAddress(address, `${path}.address`), ...checkPorts(endpoint.ports, path)];
    if (address === '') complaints.push(fail(path, 'endpoint address is required'));
    if (address.startsWith('unix://') && ports.length !== 1)
      complaints.push(fail(path, 'exactly 1 service port required for unix endpoints'));
    if (resolution === 'STATIC' && address !== '' && !address.startsWith('unix://') && ipFamily(address) === 0)
      complaints.push(fail(`${path}.address`, `"${address.slice(0, 80)}" is not an IP address, which resolution STATIC wants`));
    for (const name of Object.keys(endpoint.ports ?? {}))
      if (!ports.some((port) => port.name === name))
        complaints.push(fail(`${path}.ports.${name}`, `endpoint port ${name} is not defined by the service entry`));
    return complaints;
  });

const checkPorts = (ports: WorkloadEntrySpec['ports'], path: string): Complaint[] =>
  Object.entries(ports ?? {}).flatMap(([name, port]) => checkPort(port, `${path}.ports.${name}`));

const checkAddress = (address: string, path: string): Complaint[] => {
  if (!address.startsWith('unix://')) {
    const fault = address === '' || ipFamily(address) !== 0 ? undefined : hostFault(address);
    return fault === undefined ? [] : [fail(path, fault)];
  }
  const file = address.slice('unix://'.length);
  return file.startsWith('/') || file.startsWith('@')
    ? [warn(path, 'accepted, but not applied by this mesh yet: a Unix socket')]
    : [fail(path, `${file} is not an absolute path to a file`)];
};

/** Paths in the complaints start at `spec`. */
export const validateWorkloadEntry = (spec: WorkloadEntrySpec): readonly Complaint[] => {
  const { address = '', network, ports = {} } = spec;
  const complaints = [...checkAddress(address, 'spec.address'), ...checkPorts(ports, 'spec')];
  if (address === '' && !network) complaints.push(fail('spec', 'address is required'));
  if (address.startsWith('unix://') && Object.keys(ports).length > 0)
    complaints.push(fail('spec.ports', 'unix endpoint must not include ports'));
  return complaints;
};
