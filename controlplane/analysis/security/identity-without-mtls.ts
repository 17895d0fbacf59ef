/** A policy asks who calls, where nobody can say: mutual TLS is off, so no connection has an identity. */
import { inboundModes } from '../../mesh/effective-policy.ts';
import type { AuthorizationRule } from '../../resources/security/authorization-policy.ts';
import type { StoreView } from '../../store/config-store.ts';
import type { Finding } from '../finding.ts';
import { settingsOf, subjectsOf } from './declared-workloads.ts';

const FIELDS = [
  'principals',
  'notPrincipals',
  'namespaces',
  'notNamespaces',
  'serviceAccounts',
  'notServiceAccounts',
  'trustDomains',
  'notTrustDomains',
] as const;

const KEYS = /^source\.(?:principal|namespace|serviceAccount|trustDomain)$/;

const fieldOf = ({ from = [], when = [] }: AuthorizationRule, at: string): string | undefined => {
  const inSource = from.flatMap(({ source }, index) =>
    FIELDS.filter((field) => source?.[field]?.length).map((field) => `${at}.from[${index}].source.${field}`),
  );
  return [...inSource, ...when.flatMap(({ key = '' }, index) => (KEYS.test(key) ? [`${at}.when[${index}].key`] : []))][0];
};

/** No port of its own is looked at: a workload whose ports differ is left alone. */
export const identityWithoutMtls = (view: StoreView): readonly Finding[] => {
  const policies = { peerAuthentications: view.of('PeerAuthentication'), config: settingsOf(view) };
  return view.of('AuthorizationPolicy').flatMap(({ resource }) => {
    const subjects = subjectsOf(view, resource);
    const isOff = subjects.length > 0 && subjects.every((workload) => inboundModes(policies, workload)(0) === 'DISABLE');
    if (!isOff) return [];
    return (resource.spec.rules ?? []).flatMap((rule, index): Finding[] => {
      const path = fieldOf(rule, `spec.rules[${index}]`);
      const message = 'nobody has an identity here: PeerAuthentication says DISABLE, and only mutual TLS proves who calls';
      return path === undefined ? [] : [{ severity: 'warning', path, message, about: resource }];
    });
  });
};
