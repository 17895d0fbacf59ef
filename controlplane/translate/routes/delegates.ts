/**
 * A rule that delegates → the rules of the VirtualService that it names, each narrowed to what the root lets through. Pure. One level, as in Istio.
 * Source: istio pilot/pkg/model/virtualservice.go (mergeHTTPRoute); oracle capture vs-delegate.
 */
import type { StoredVirtualService } from '../../mesh/mesh.ts';
import { isVisible } from '../../mesh/visibility.ts';
import type { HttpMatch, HttpRule, StringMatch } from '../../resources/virtual-service.ts';

/** A rule, the resource that it is written in, and where in it. */
export interface PlacedRule {
  readonly rule: HttpRule;
  readonly writtenIn: StoredVirtualService;
  readonly path: string;
}

/** Every rule of a VirtualService in order, with delegates in the place of the rules that name them. Whoever is not there has no rules. */
export const rulesOf = (root: StoredVirtualService, all: readonly StoredVirtualService[]): readonly PlacedRule[] =>
  (root.resource.spec.http ?? []).flatMap((rule, index): readonly PlacedRule[] => {
    if (!rule.delegate) return [{ rule, writtenIn: root, path: `spec.http[${index}]` }];
    const delegate = delegateOf(root, rule.delegate, all);
    return (delegate?.resource.spec.http ?? []).flatMap((inner, innerIndex) => {
      const merged = mergeRule(rule, inner);
      return delegate && merged ? [{ rule: merged, writtenIn: delegate, path: `spec.http[${innerIndex}]` }] : [];
    });
  });

/** A VirtualService that has hosts is a root itself and cannot be delegated to. */
const delegateOf = (
  { resource: { metadata: root } }: StoredVirtualService,
  { name, namespace = root.namespace }: NonNullable<HttpRule['delegate']>,
  all: readonly StoredVirtualService[],
): StoredVirtualService | undefined =>
  all.find(
    ({ resource: { metadata, spec } }) =>
      metadata.name === name &&
      metadata.namespace === namespace &&
      !spec.hosts?.length &&
      isVisible(spec.exportTo, metadata.namespace, root.namespace),
  );

/** What the delegate leaves open the root decides. Undefined when their matches exclude each other, and for a second level. */
const mergeRule = (root: HttpRule, inner: HttpRule): HttpRule | undefined => {
  const match = mergeMatches(root.match ?? [], inner.match ?? []);
  if (match === undefined || inner.delegate) return undefined;
  const { delegate: _delegate, match: _match, ...outer } = root;
  const name = [root.name, inner.name].filter((part) => part).join('-');
  return { ...outer, ...inner, ...(match.length > 0 && { match }), ...(name !== '' && { name }) };
};

const mergeMatches = (root: readonly HttpMatch[], inner: readonly HttpMatch[]): readonly HttpMatch[] | undefined => {
  if (root.length === 0) return inner;
  if (inner.length === 0) return root;
  const merged = inner.flatMap((leaf) => root.filter((outer) => !excludes(outer, leaf)).map((outer) => mergeMatch(outer, leaf)));
  return merged.length === 0 ? undefined : merged;
};

const MAPS = ['headers', 'withoutHeaders', 'queryParams', 'sourceLabels'] as const;

const mergeMatch = (root: HttpMatch, leaf: HttpMatch): HttpMatch => ({
  ...root,
  ...leaf,
  ...Object.fromEntries(MAPS.flatMap((key) => (root[key] || leaf[key] ? [[key, { ...root[key], ...leaf[key] }]] : []))),
});

const excludes = (root: HttpMatch, leaf: HttpMatch): boolean =>
  (root.ignoreUriCase ?? false) !== (leaf.ignoreUriCase ?? false) ||
  (['uri', 'scheme', 'method', 'authority'] as const).some((key) => excludesText(root[key], leaf[key])) ||
  (['headers', 'withoutHeaders', 'queryParams'] as const).some((key) =>
    Object.entries(root[key] ?? {}).some(([name, value]) => excludesText(value, leaf[key]?.[name])),
  ) ||
  (['port', 'sourceNamespace'] as const).some((key) => root[key] !== undefined && leaf[key] !== undefined && root[key] !== leaf[key]) ||
  Object.entries(root.sourceLabels ?? {}).some(([name, value]) => (leaf.sourceLabels?.[name] ?? value) !== value) ||
  (root.gateways !== undefined && leaf.gateways?.some((name) => !root.gateways?.includes(name)) === true);

/** Whether the root lets through nothing of what the leaf wants. Two patterns are not compared. */
const excludesText = (root: StringMatch | undefined, leaf: StringMatch | undefined): boolean => {
  if (root === undefined || leaf === undefined) return false;
  if (root.regex !== undefined || leaf.regex !== undefined) return Object.keys(root).length > 0 && Object.keys(leaf).length > 0;
  if (root.exact !== undefined) return leaf.prefix !== undefined || (leaf.exact !== undefined && leaf.exact !== root.exact);
  if (root.prefix !== undefined) return !(leaf.prefix ?? leaf.exact ?? root.prefix).startsWith(root.prefix);
  return false;
};
