/** A workload's name with its version plainly visible: letter, colour and pattern. */
import { partsOf } from '../live/words.ts';

/** The small plate `v2`. */
export const VersionPlate = ({ version }: { version: string }) =>
  version === '' ? null : <span class={`version ${version}`}>{version}</span>;

/** `reviews` and its plate. */
export const WorkloadName = ({ name }: { name: string }) => {
  const { service, version } = partsOf(name);
  return (
    <span class="workload-name">
      {service} <VersionPlate version={version} />
    </span>
  );
};
