/** IST0127 NoMatchingWorkloadsFound: a policy for workloads that nobody declared; it guards nothing. */
import type { StoreView } from '../../store/config-store.ts';
import type { Finding } from '../finding.ts';
import { declaredWorkloads } from '../workload-labels.ts';
import { labelsWanted, settingsOf, subjectsOf } from './declared-workloads.ts';

const KINDS = ['PeerAuthentication', 'AuthorizationPolicy', 'RequestAuthentication'] as const;

/** Namespaces of which no workload is declared are left alone: what runs there is not known. */
export const unmatchedSelectors = (view: StoreView): readonly Finding[] => {
  const declared = declaredWorkloads(view);
  const { rootNamespace } = settingsOf(view);
  return KINDS.flatMap((kind) =>
    view.of(kind).flatMap(({ resource }): Finding[] => {
      const wanted = labelsWanted(resource);
      const isKnown = declared.some(
        ({ namespace }) => namespace === resource.metadata.namespace || resource.metadata.namespace === rootNamespace,
      );
      if (wanted.length === 0 || !isKnown || subjectsOf(view, resource).length > 0) return [];
      const labels = wanted.map(([name, value]) => `${name}=${value}`).join(',');
      const message = `No matching workloads for this resource with the following labels: ${labels}`;
      return [{ severity: 'warning', code: 'IST0127', path: 'spec.selector', message, about: resource }];
    }),
  );
};
