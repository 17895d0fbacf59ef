/** Labels of the workloads that are declared, by the host that they stand behind. Pure. */
import { CLUSTER_SUFFIX, resolveHost } from '../mesh/hostnames.ts';
import { selects } from '../mesh/labels.ts';
import { mapOf, object, str } from '../resources/shape.ts';
import type { StoreView } from '../store/config-store.ts';

type Labels = Readonly<Record<string, string>>;

interface Declared {
  readonly namespace: string;
  readonly labels: Labels;
}

const CONTROLLERS = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet']);

/** Every workload that is declared, wherever. */
export const declaredWorkloads = (view: StoreView): readonly Declared[] => [
  ...podsOf(view),
  ...view
    .of('WorkloadEntry')
    .map(
      ({ resource: { metadata, spec } }): Declared => ({ namespace: metadata.namespace, labels: { ...metadata.labels, ...spec.labels } }),
    ),
];

/** Deployments and their like, Pods, WorkloadEntries and the endpoints of ServiceEntries. Hosts are fully qualified. */
export const workloadLabels = (view: StoreView): ReadonlyMap<string, readonly Labels[]> => {
  const declared = declaredWorkloads(view);
  const behind = (selector: Labels, namespace: string): Labels[] =>
    declared.filter((workload) => workload.namespace === namespace && selects(selector, workload.labels)).map(({ labels }) => labels);
  const services = view
    .of('Service')
    .map(({ resource: { metadata, spec } }): [string, Labels[]] => [
      `${metadata.name}.${metadata.namespace}.${CLUSTER_SUFFIX}`,
      behind(spec.selector ?? {}, metadata.namespace),
    ]);
  const entries = view.of('ServiceEntry').flatMap(({ resource: { metadata, spec } }) => {
    const listed = (spec.endpoints ?? []).map(({ labels = {} }) => labels);
    const labels = spec.workloadSelector ? behind(spec.workloadSelector.labels ?? {}, metadata.namespace) : listed;
    return (spec.hosts ?? []).map((host): [string, Labels[]] => [resolveHost(host, metadata.namespace), labels]);
  });
  return new Map([...entries, ...services]);
};

const podsOf = (view: StoreView): Declared[] =>
  view.all.flatMap(({ resource }): Declared[] => {
    if (!('inert' in resource)) return [];
    const { kind, metadata, spec } = resource;
    if (kind === 'Pod') return [{ namespace: metadata.namespace, labels: metadata.labels }];
    return CONTROLLERS.has(kind) ? [{ namespace: metadata.namespace, labels: templateLabels(spec) }] : [];
  });

const TEMPLATE = object({ template: object({ metadata: object({ labels: mapOf(str) }) }) });

/** Such documents are not checked by anybody: what is not as it should be counts as absent. */
const templateLabels = (spec: unknown): Labels => TEMPLATE.read(spec, '', () => {})?.template?.metadata?.labels ?? {};
