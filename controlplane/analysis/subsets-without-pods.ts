/** IST0173 DestinationRuleSubsetNotSelectPods: labels that no declared workload of the service has; requests for the subset get 503. */
import { resolveHost } from '../mesh/hostnames.ts';
import { selects } from '../mesh/labels.ts';
import type { StoreView } from '../store/config-store.ts';
import type { Finding } from './finding.ts';
import { workloadLabels } from './workload-labels.ts';

/** Services of which no workload is declared are left alone: what runs is not known here. */
export const subsetsWithoutPods = (view: StoreView): readonly Finding[] => {
  const workloads = workloadLabels(view);
  return view.of('DestinationRule').flatMap(({ resource }) => {
    const behind = workloads.get(resolveHost(resource.spec.host ?? '', resource.metadata.namespace)) ?? [];
    if (behind.length === 0) return [];
    return (resource.spec.subsets ?? []).flatMap(({ name = '', labels = {} }, index): Finding[] => {
      if (Object.keys(labels).length === 0 || behind.some((workload) => selects(labels, workload))) return [];
      const message = `The Subset ${name} defined in the DestinationRule does not select any pods`;
      return [{ severity: 'warning', code: 'IST0173', path: `spec.subsets[${index}]`, message, about: resource }];
    });
  });
};
