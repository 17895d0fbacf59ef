/** What a VirtualService must obey beyond its shape. Messages follow istioctl validate, so that they can be searched for. */
import { checkExportTo, checkHosts, fail, warn } from '../checks.ts';
import type { Complaint } from '../problem.ts';
import type { VirtualServiceSpec } from '../virtual-service.ts';
import { checkGatewayNames, checkTcp, checkTls } from './connections.ts';
import { checkHttpRule } from './http-rule.ts';

/** Paths in the complaints start at `spec`. */
export const validateVirtualService = (spec: VirtualServiceSpec): readonly Complaint[] => {
  const { http = [], tcp = [], tls = [] } = spec;
  const onMesh = isOnMesh(spec);
  const complaints = [
    ...checkOwnHosts(spec),
    ...checkExportTo(spec.exportTo),
    ...checkGatewayNames(spec.gateways, 'spec.gateways'),
    ...http.flatMap((rule, index) => checkHttpRule(rule, `spec.http[${index}]`, onMesh)),
    ...tls.flatMap((rule, index) => checkTls(rule, `spec.tls[${index}]`, spec.hosts ?? [], covers)),
    ...tcp.flatMap((rule, index) => checkTcp(rule, `spec.tcp[${index}]`)),
  ];
  return http.length + tcp.length + tls.length === 0
    ? [...complaints, fail('spec', 'http, tcp or tls must be provided in virtual service')]
    : complaints;
};

const isOnMesh = ({ gateways }: VirtualServiceSpec): boolean => !gateways?.length || gateways.includes('mesh');

const checkOwnHosts = (spec: VirtualServiceSpec): Complaint[] => {
  const hosts = spec.hosts ?? [];
  if (hosts.length === 0) {
    const gateways = spec.gateways?.length
      ? [fail('spec.gateways', 'a VirtualService without hosts is a delegate, and has no gateways')]
      : [];
    return [...gateways, warn('spec', 'no hosts: this holds only where another VirtualService delegates to it')];
  }
  const complaints = checkHosts(hosts, 'spec.hosts');
  if (isOnMesh(spec) && hosts.includes('*')) {
    complaints.push(fail('spec.hosts', 'wildcard host * is not allowed for virtual services bound to the mesh gateway'));
  }
  for (const [index, host] of hosts.entries()) {
    const earlier = hosts.slice(0, index).find((other) => covers(other, host) || covers(host, other));
    if (earlier !== undefined) complaints.push(fail(`spec.hosts[${index}]`, `duplicate hosts in virtual service: ${earlier} & ${host}`));
  }
  return complaints;
};

const covers = (pattern: string, host: string): boolean =>
  pattern === host || pattern === '*' || (pattern.startsWith('*.') && host.endsWith(pattern.slice(1)));
