/** Several PeerAuthentications for the same workloads: the oldest decides alone, the others do nothing. */
import type { StoreView } from '../../store/config-store.ts';
import type { Finding } from '../finding.ts';
import { labelsWanted } from './declared-workloads.ts';

/** The same namespace and the same labels. */
export const rivalPeerPolicies = (view: StoreView): readonly Finding[] => {
  const levels = Map.groupBy(view.of('PeerAuthentication'), ({ resource }) =>
    JSON.stringify([resource.metadata.namespace, labelsWanted(resource).toSorted()]),
  );
  return [...levels.values()].flatMap(([oldest, ...others]) =>
    others.map(({ resource }): Finding => {
      const message = `${oldest?.resource.metadata.name} is older and about the same workloads: it decides alone, this one has no effect`;
      return { severity: 'warning', path: 'metadata.name', message, about: resource };
    }),
  );
};
