/** `outbound|9080|v2|reviews.default.svc.cluster.local` as a person says it: reviews v2, port 9080. */
import { parseClusterName } from '#api/names.ts';
import { VersionPlate } from './version.tsx';

const MEANT: Readonly<Record<string, string>> = {
  PassthroughCluster: 'wherever it was going (passthrough)',
  BlackHoleCluster: 'nowhere (black hole)',
};

const isVersion = (subset: string): boolean => /^v\d+$/.test(subset);

/** The full name is its title. */
export const ClusterName = ({ name }: { name: string }) => {
  const parts = parseClusterName(name);
  if (parts === undefined) return <span title={name}>{MEANT[name] ?? name}</span>;
  if (parts.direction === 'inbound') return <span title={name}>its own program, port {parts.port}</span>;
  return (
    <span title={name}>
      {parts.host.split('.')[0]}{' '}
      {isVersion(parts.subset) ? <VersionPlate version={parts.subset} /> : parts.subset === '' ? null : <b>{parts.subset}</b>}
      <span class="muted">:{parts.port}</span>
    </span>
  );
};
