/** Which changes of EnvoyFilters are for one proxy, and in which order. Pure. Source: istio pilot/pkg/model EnvoyFilters. */
import type { Mesh, ProxyNode } from '../../mesh/mesh.ts';
import { type ConfigPatch, unwrapped } from '../../resources/envoy-filter.ts';
import { titleOf } from '../../resources/resource.ts';

/** Where in a proxy something stands. */
export type PatchContext = 'SIDECAR_INBOUND' | 'SIDECAR_OUTBOUND' | 'GATEWAY';

/** One change. value: JSON of the message that is put in or merged; source: whose it is. */
export interface Patch {
  readonly applyTo: string;
  readonly match: NonNullable<ConfigPatch['match']>;
  readonly operation: string;
  readonly value: Readonly<Record<string, unknown>>;
  readonly source: string;
}

/** Those of the root namespace first, then the proxy's own; inside, by priority and age. */
export const patchesFor = ({ envoyFilters, config }: Mesh, { namespace, labels }: ProxyNode): Patch[] =>
  [...new Set([config.rootNamespace, namespace])].flatMap((level) =>
    envoyFilters
      .map(({ resource }) => resource)
      .filter(({ metadata, spec }) => metadata.namespace === level && isSelected(spec.workloadSelector?.labels ?? {}, labels))
      .toSorted((a, b) => (a.spec.priority ?? 0) - (b.spec.priority ?? 0))
      .flatMap((filter) =>
        (filter.spec.configPatches ?? []).map((patch, index) => ({
          applyTo: patch.applyTo ?? '',
          match: patch.match ?? {},
          operation: patch.patch?.operation ?? '',
          value: (unwrapped(patch.patch?.value) ?? {}) as Patch['value'],
          source: `${titleOf(filter)} spec.configPatches[${index}]`,
        })),
      ),
  );

/** Without a selector everybody is. */
const isSelected = (wanted: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean =>
  Object.entries(wanted).every(([name, value]) => labels[name] === value);

/** Whether the change is for that part of the proxy. */
export const isIn = ({ match: { context = 'ANY' } }: Patch, here: PatchContext): boolean => context === 'ANY' || context === here;

/** Who changed a resource, in the metadata of the resource. */
export const changedBy = <M extends { readonly filterMetadata: Readonly<Record<string, unknown>> }>(
  metadata: M | undefined,
  sources: readonly string[],
) => ({
  typedFilterMetadata: {},
  ...metadata,
  filterMetadata: { ...metadata?.filterMetadata, 'dinghy.patches': { by: [...sources] } },
});
