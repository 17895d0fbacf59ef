/** Which workloads of the files a security policy is about. Pure. */
import { appliesTo, type Targeted, type Workload } from '../../mesh/effective-policy.ts';
import { DEFAULT_MESH_CONFIG, type MeshConfig } from '../../mesh/mesh.ts';
import { toMeshConfig } from '../../mesh/mesh-settings.ts';
import type { StoreView } from '../../store/config-store.ts';
import { declaredWorkloads } from '../workload-labels.ts';

/** Settings of the mesh as the files say them. */
export const settingsOf = (view: StoreView): MeshConfig =>
  Object.assign({ ...DEFAULT_MESH_CONFIG }, ...view.of('ConfigMap').map(({ resource }) => toMeshConfig(resource.spec)));

/** Only declared ones: what else runs is not known here. */
export const subjectsOf = (view: StoreView, policy: Targeted): readonly Workload[] =>
  declaredWorkloads(view).filter((workload) => appliesTo(workload, settingsOf(view).rootNamespace)(policy));

/** Empty for a policy about everybody. */
export const labelsWanted = ({ spec }: Targeted): readonly (readonly [string, string])[] =>
  Object.entries(spec.selector?.matchLabels ?? {});
