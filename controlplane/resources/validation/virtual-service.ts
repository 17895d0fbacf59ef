/** What a VirtualService must obey beyond its shape. Messages follow istioctl validate, so that they can be searched for. */
import { checkExportTo, checkHosts, checkPort, fail, warn } from '../checks.ts';
import type { Complaint } from '../problem.ts';
import type { VirtualServiceSpec } from '../virtual-service.ts';
import { checkWeights } from './destinations.ts';
import { checkHttpRule } from './http-rule.ts';

/** Paths in the complaints start at `spec`. */
export const validateVirtualService = (spec: VirtualServiceSpec): readonly Complaint[] => {
  const { http = [], tcp = [], tls = [] } = spec;
  const onMesh = isOnMesh(spec);
  const complaints = [
    ...checkOwnHosts(spec),
    ...checkExportTo(spec.exportTo),
    ...http.flatMap((rule, index) => checkHttpRule(rule, `spec.http[${index}]`, onMesh)),
    ...tls.flatMap((rule, index) => checkTls(rule, `spec.tls[${index}]`, spec.hosts ?? [])),
    ...tcp.flatMap((rule, index) => checkConnectionRoutes(rule.route, `spec.tcp[${index}]`, 'TCP')),
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

type TlsRule = NonNullable<VirtualServiceSpec['tls']>[number];

const checkTls = ({ match = [], route }: TlsRule, path: string, hosts: readonly string[]): Complaint[] => {
  const complaints = checkConnectionRoutes(route, path, 'TLS');
  if (match.length === 0) complaints.push(fail(path, 'TLS route must have at least one match condition'));
  for (const [index, { sniHosts = [], port }] of match.entries()) {
    const at = `${path}.match[${index}]`;
    if (sniHosts.length === 0) complaints.push(fail(at, 'TLS match must have at least one SNI host'));
    complaints.push(...checkPort(port, `${at}.port`), ...checkHosts(sniHosts, `${at}.sniHosts`));
    for (const [sniIndex, sni] of sniHosts.entries()) {
      if (hosts.some((host) => covers(host, sni))) continue;
      const message = `SNI host "${sni}" is not a compatible subset of any of the virtual service hosts: [${hosts.join(' ')}]`;
      complaints.push(fail(`${at}.sniHosts[${sniIndex}]`, message));
    }
  }
  return complaints;
};

const checkConnectionRoutes = (routes: TlsRule['route'], path: string, protocol: string): Complaint[] => {
  if (!routes?.length) return [fail(path, `${protocol} route is required`)];
  return checkWeights(routes, path);
};
