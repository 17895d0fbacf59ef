/** What rules for connections (`tcp`, `tls`) must obey. Messages follow istioctl validate. */
import { ipFamily } from '#system/ip.ts';
import { checkHosts, checkPort, fail, isDnsLabel, warn } from '../checks.ts';
import type { Complaint } from '../problem.ts';
import type { VirtualServiceSpec } from '../virtual-service.ts';
import { checkWeights } from './destinations.ts';

type TlsRule = NonNullable<VirtualServiceSpec['tls']>[number];
type TcpRule = NonNullable<VirtualServiceSpec['tcp']>[number];
type Match = NonNullable<TcpRule['match']>[number];

/** One rule of `tls`. hosts: the VirtualService's own; covers: whether a host stands for another. */
export const checkTls = (
  { match = [], route }: TlsRule,
  path: string,
  hosts: readonly string[],
  covers: (pattern: string, host: string) => boolean,
): Complaint[] => {
  const complaints = checkRoutes(route, path, 'TLS');
  if (match.length === 0) complaints.push(fail(path, 'TLS route must have at least one match condition'));
  for (const [index, condition] of match.entries()) {
    const at = `${path}.match[${index}]`;
    const { sniHosts = [] } = condition;
    if (sniHosts.length === 0) complaints.push(fail(at, 'TLS match must have at least one SNI host'));
    complaints.push(...checkHosts(sniHosts, `${at}.sniHosts`), ...checkMatch(condition, at));
    for (const [sniIndex, sni] of sniHosts.entries()) {
      if (hosts.some((host) => covers(host, sni))) continue;
      const message = `SNI host "${sni}" is not a compatible subset of any of the virtual service hosts: [${hosts.join(' ')}]`;
      complaints.push(fail(`${at}.sniHosts[${sniIndex}]`, message));
    }
  }
  return complaints;
};

/** One rule of `tcp`. */
export const checkTcp = ({ match = [], route }: TcpRule, path: string): Complaint[] => [
  ...checkRoutes(route, path, 'TCP'),
  ...match.flatMap((condition, index) => [
    ...checkMatch(condition, `${path}.match[${index}]`),
    ...(condition.sourceSubnet === undefined
      ? []
      : [warn(`${path}.match[${index}].sourceSubnet`, 'ignored, as in Istio: use sourceLabels or sourceNamespace')]),
  ]),
];

const checkRoutes = (routes: TcpRule['route'], path: string, protocol: string): Complaint[] =>
  routes?.length ? checkWeights(routes, path) : [fail(path, `${protocol} route is required`)];

const checkMatch = ({ destinationSubnets = [], port, gateways }: Match, path: string): Complaint[] => [
  ...destinationSubnets.flatMap((subnet, index) => checkSubnet(subnet, `${path}.destinationSubnets[${index}]`)),
  ...checkPort(port || undefined, `${path}.port`),
  ...checkGatewayNames(gateways, `${path}.gateways`),
];

const checkSubnet = (subnet: string, path: string): Complaint[] => {
  const [address = '', length, ...rest] = subnet.split('/');
  const family = ipFamily(address);
  if (length === undefined) return family === 0 ? [fail(path, `"${subnet.slice(0, 60)}" is not a valid IP`)] : [];
  const isGood = family !== 0 && rest.length === 0 && /^\d{1,3}$/.test(length) && Number(length) <= (family === 6 ? 128 : 32);
  return isGood ? [] : [fail(path, `${subnet.slice(0, 60)} is not a valid CIDR block`)];
};

/** `mesh`, a name, or `namespace/name`. */
export const checkGatewayNames = (names: readonly string[] | undefined, path: string): Complaint[] =>
  (names ?? []).flatMap((text, index) => {
    const [namespace = '', name] = text.split('/', 2);
    if (name === undefined) return [];
    if (namespace === '' || name === '') return [fail(`${path}[${index}]`, 'config namespace and gateway name cannot be empty')];
    if (!isDnsLabel(namespace)) return [fail(`${path}[${index}]`, `invalid value for namespace: "${namespace.slice(0, 70)}"`)];
    return isDnsLabel(name) ? [] : [fail(`${path}[${index}]`, `invalid value for gateway name: "${name.slice(0, 70)}"`)];
  });
