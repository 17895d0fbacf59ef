/** An ALLOW policy for a whole namespace or mesh makes everything denied there that no ALLOW policy names: the commonest surprise. */
import type { StoreView } from '../../store/config-store.ts';
import type { Finding } from '../finding.ts';
import { labelsWanted, settingsOf } from './declared-workloads.ts';

/** Quiet where it is meant so: for chosen workloads, where a policy without rules denies everything anyway, and where an empty rule allows everything. */
export const allowingPolicies = (view: StoreView): readonly Finding[] => {
  const { rootNamespace } = settingsOf(view);
  const policies = view.of('AuthorizationPolicy').map(({ resource }) => resource);
  const denyingAll = policies.filter(({ spec }) => (spec.action ?? 'ALLOW') === 'ALLOW' && !spec.rules?.length);
  return policies.flatMap((resource): Finding[] => {
    const { action = 'ALLOW', rules = [], targetRef, targetRefs = [] } = resource.spec;
    const { namespace } = resource.metadata;
    const isChosen = labelsWanted(resource).length > 0 || targetRef !== undefined || targetRefs.length > 0;
    const isMeant = denyingAll.some(({ metadata }) => [namespace, rootNamespace].includes(metadata.namespace));
    const isOpen = rules.length === 0 || rules.some((rule) => Object.keys(rule).length === 0);
    if (action !== 'ALLOW' || isChosen || isMeant || isOpen) return [];
    const where = namespace === rootNamespace ? 'in the whole mesh' : `in namespace ${namespace}`;
    const message = `whatever no ALLOW policy names is denied ${where} from now on`;
    return [{ severity: 'info', path: 'spec.rules', message, about: resource }];
  });
};
