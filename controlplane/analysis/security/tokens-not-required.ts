/** A RequestAuthentication refuses wrong tokens only: a request without any passes until a policy asks for a principal. */
import type { AuthorizationRule } from '../../resources/security/authorization-policy.ts';
import type { StoreView } from '../../store/config-store.ts';
import type { Finding } from '../finding.ts';
import { settingsOf } from './declared-workloads.ts';

const asks = ({ from = [], when = [] }: AuthorizationRule): boolean =>
  from.some(({ source }) => source?.requestPrincipals?.length || source?.notRequestPrincipals?.length) ||
  when.some(({ key = '' }) => key.startsWith('request.auth.'));

/** Quiet as soon as some policy that can meet the same workloads asks for a token. */
export const tokensNotRequired = (view: StoreView): readonly Finding[] => {
  const { rootNamespace } = settingsOf(view);
  const asking = view.of('AuthorizationPolicy').filter(({ resource }) => (resource.spec.rules ?? []).some(asks));
  return view.of('RequestAuthentication').flatMap(({ resource }): Finding[] => {
    const { namespace } = resource.metadata;
    const meets = asking.some(
      ({ resource: { metadata } }) => [namespace, rootNamespace].includes(metadata.namespace) || namespace === rootNamespace,
    );
    if (meets || !resource.spec.jwtRules?.length) return [];
    const message = 'requests without a token still pass: no AuthorizationPolicy asks for requestPrincipals';
    return [{ severity: 'info', path: 'spec.jwtRules', message, about: resource }];
  });
};
