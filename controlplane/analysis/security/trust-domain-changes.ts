/** The ConfigMap names another trust domain than the one that workloads are certified with: that one stays until the control plane starts anew with the other. */
import type { StoreView } from '../../store/config-store.ts';
import type { Finding } from '../finding.ts';

/** certified: what certificates say. */
export const trustDomainChanges = (view: StoreView, certified: string): readonly Finding[] =>
  view.of('ConfigMap').flatMap(({ resource }): Finding[] => {
    const wanted = resource.spec.trustDomain;
    if (wanted === undefined || wanted === certified) return [];
    const message = `workloads are certified in ${certified}, and stay so: a trust domain changes only when the control plane starts with it; add it to trustDomainAliases to believe both`;
    return [{ severity: 'warning', path: 'spec.trustDomain', message, about: resource }];
  });
