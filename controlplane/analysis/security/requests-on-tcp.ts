/** Fields of requests, where connections carry none: ALLOW rules with them never hold, and every other rule is as if they were not written. */

import { protocolOf } from '../../mesh/build-mesh.ts';
import { selects } from '../../mesh/labels.ts';
import type { ResourceOf } from '../../resources/resource.ts';
import type { AuthorizationRule } from '../../resources/security/authorization-policy.ts';
import type { StoreView } from '../../store/config-store.ts';
import type { Finding } from '../finding.ts';
import { subjectsOf } from './declared-workloads.ts';

const OF_REQUESTS = {
  source: ['requestPrincipals', 'notRequestPrincipals', 'remoteIpBlocks', 'notRemoteIpBlocks'],
  operation: ['hosts', 'notHosts', 'methods', 'notMethods', 'paths', 'notPaths'],
} as const;

/** The first field of a rule that only requests have. */
const fieldOf = ({ from = [], to = [], when = [] }: AuthorizationRule, at: string): string | undefined => {
  const fields = [
    ...from.flatMap(({ source }, index) =>
      OF_REQUESTS.source
        .filter((field) => source?.[field]?.length && !field.includes('emoteIp'))
        .map((field) => `${at}.from[${index}].source.${field}`),
    ),
    ...to.flatMap(({ operation }, index) =>
      OF_REQUESTS.operation.filter((field) => operation?.[field]?.length).map((field) => `${at}.to[${index}].operation.${field}`),
    ),
    ...when.flatMap(({ key = '' }, index) => (key.startsWith('request.') ? [`${at}.when[${index}].key`] : [])),
  ];
  return fields[0];
};

type Service = ResourceOf<'Service'>;

const isTcp = (port: NonNullable<Service['spec']['ports']>[number]): boolean => protocolOf(port.name, port.appProtocol) === 'tcp';

/** Ports of declared workloads that a TCP service leads to, as text. A rule that names other ports is not about them. */
export const requestsOnTcp = (view: StoreView): readonly Finding[] =>
  view.of('AuthorizationPolicy').flatMap(({ resource }) => {
    const subjects = subjectsOf(view, resource);
    const ports = view.of('Service').flatMap(({ resource: { metadata, spec } }) => {
      const leads = subjects.some(({ namespace, labels }) => namespace === metadata.namespace && selects(spec.selector ?? {}, labels));
      return leads ? (spec.ports ?? []).filter(isTcp).map((port) => String(port.targetPort ?? port.port)) : [];
    });
    if (ports.length === 0) return [];
    const action = resource.spec.action ?? 'ALLOW';
    return (resource.spec.rules ?? []).flatMap((rule, index): Finding[] => {
      const path = fieldOf(rule, `spec.rules[${index}]`);
      const named = (rule.to ?? []).flatMap(({ operation }) => operation?.ports ?? []);
      const met = ports.find((port) => named.length === 0 || named.includes(port));
      if (path === undefined || met === undefined) return [];
      const effect = action === 'ALLOW' ? 'so this rule allows nothing there' : `so this rule is ${action} without it there`;
      const message = `port ${met} carries no requests, only TCP, ${effect}; name the HTTP ports in operation.ports`;
      return [{ severity: 'warning', path, message, about: resource }];
    });
  });
