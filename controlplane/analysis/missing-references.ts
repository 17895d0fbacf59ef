/** IST0101 ReferencedResourceNotFound: a route to a host or a subset that nobody declared. It is accepted; requests get 503 with flag NC. */
import { hostCovers, resolveHost } from '../mesh/hostnames.ts';
import type { ResourceOf } from '../resources/resource.ts';
import { nearest } from '../resources/shape.ts';
import type { Destination, HttpRule } from '../resources/virtual-service.ts';
import type { StoreView } from '../store/config-store.ts';
import type { Finding } from './finding.ts';
import { serviceHosts } from './service-hosts.ts';

/** Hosts first: a subset of an unknown host is not complained of twice. */
export const missingReferences = (view: StoreView): readonly Finding[] => {
  const hosts = serviceHosts(view);
  const subsets = subsetsByHost(view);
  const check = (resource: ResourceOf<'VirtualService'>, { destination, path }: Named): Finding[] => {
    const host = resolveHost(destination.host ?? '', resource.metadata.namespace);
    const finding = checkHost(hosts, host, path) ?? checkSubset(subsets.get(host), destination.subset, { host, path });
    return finding === undefined ? [] : [{ ...finding, about: resource }];
  };
  return view.of('VirtualService').flatMap(({ resource }) => [
    ...(resource.spec.http ?? []).flatMap((rule, index) => [
      ...checkDelegate(view, rule, { namespace: resource.metadata.namespace, path: `spec.http[${index}]` }).map((finding) => ({
        ...finding,
        about: resource,
      })),
      ...destinationsOf(rule, `spec.http[${index}]`).flatMap((named) => check(resource, named)),
    ]),
    ...(['tcp', 'tls'] as const).flatMap((kind) =>
      (resource.spec[kind] ?? []).flatMap(({ route }, index) =>
        routedBy(route, `spec.${kind}[${index}]`).flatMap((named) => check(resource, named)),
      ),
    ),
  ]);
};

interface Named {
  readonly destination: Destination;
  readonly path: string;
}

const routedBy = (routes: readonly { readonly destination?: Destination }[] | undefined, path: string): Named[] =>
  (routes ?? []).flatMap(({ destination }, index) => (destination ? [{ destination, path: `${path}.route[${index}].destination` }] : []));

const destinationsOf = (rule: HttpRule, path: string): Named[] => [
  ...routedBy(rule.route, path),
  ...(rule.mirror ? [{ destination: rule.mirror, path: `${path}.mirror` }] : []),
  ...(rule.mirrors ?? []).flatMap(({ destination }, index) =>
    destination ? [{ destination, path: `${path}.mirrors[${index}].destination` }] : [],
  ),
];

type Draft = Omit<Finding, 'about'>;

const didYouMean = (word: string, known: readonly string[]): string => {
  const near = nearest(word, known);
  return near === undefined ? '' : `; did you mean "${near}"?`;
};

const checkDelegate = (view: StoreView, { delegate }: HttpRule, at: { readonly namespace: string; readonly path: string }): Draft[] => {
  if (!delegate) return [];
  const { name = '', namespace = at.namespace } = delegate;
  const isThere = view
    .of('VirtualService')
    .some(({ resource: { metadata, spec } }) => metadata.name === name && metadata.namespace === namespace && !spec.hosts?.length);
  const message = `Referenced delegate VirtualService not found: "${namespace}/${name}"; it must have no hosts`;
  return isThere ? [] : [{ severity: 'warning', code: 'IST0101', path: `${at.path}.delegate.name`, message }];
};

const checkHost = (hosts: readonly string[], host: string, path: string): Draft | undefined => {
  if (hosts.some((known) => known === host || hostCovers(known, host))) return undefined;
  return {
    severity: 'warning',
    code: 'IST0101',
    path: `${path}.host`,
    message: `Referenced host not found: "${host}"${didYouMean(host, hosts)}`,
  };
};

const checkSubset = (
  known: readonly string[] | undefined,
  subset: string | undefined,
  { host, path }: { host: string; path: string },
): Draft | undefined => {
  if (subset === undefined || known?.includes(subset)) return undefined;
  return {
    severity: 'warning',
    code: 'IST0101',
    path: `${path}.subset`,
    message: `Referenced host+subset in destinationrule not found: "${host}+${subset}"${didYouMean(subset, known ?? [])}`,
  };
};

const subsetsByHost = (view: StoreView): Map<string, string[]> => {
  const subsets = new Map<string, string[]>();
  for (const { resource } of view.of('DestinationRule')) {
    const host = resolveHost(resource.spec.host ?? '', resource.metadata.namespace);
    subsets.set(host, [...(subsets.get(host) ?? []), ...(resource.spec.subsets ?? []).flatMap(({ name }) => name ?? [])]);
  }
  return subsets;
};
