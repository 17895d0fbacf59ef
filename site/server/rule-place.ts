/** Where a field of a resource is written: file and lines, so that a page can light them. Pure. */
import { isNode, LineCounter, parseDocument } from 'yaml';
import type { StoredResource } from '#api/resource.ts';
import type { RulePlace } from './told.ts';

/** `spec.http[0].match[1]` → its keys. */
const keysOf = (field: string): (string | number)[] =>
  [...field.matchAll(/([^.[\]]+)|\[(\d+)\]/g)].map(([, key, index]) => (key === undefined ? Number(index) : key));

/** A rule as a whole, of which a route's field may be one match. */
const RULE = /^spec\.\w+\[\d+\]/;

/** resource: `VirtualService default/reviews`. Undefined when it is not in force any more; a field that is gone gives the resource as a whole. */
export const rulePlace = (resources: readonly StoredResource[], resource: string, field: string): RulePlace | undefined => {
  const found = resources.find(({ kind, namespace, name }) => `${kind} ${namespace}/${name}` === resource);
  if (found === undefined) return undefined;
  const counter = new LineCounter();
  const document = parseDocument(found.yaml, { lineCounter: counter });
  const lines = found.yaml.replace(/\n+$/, '').split('\n');
  const shift = found.line - 1;
  const spanOf = (path: string): readonly [number, number] => {
    const node = document.getIn(keysOf(path), true);
    if (!isNode(node) || !node.range) return [found.line, shift + lines.length];
    const [start, end] = node.range;
    return [shift + counter.linePos(start).line, shift + counter.linePos(Math.max(start, end - 1)).line];
  };
  const [from, to] = spanOf(RULE.exec(field)?.[0] ?? field);
  return { file: found.file, line: spanOf(field)[0], first: found.line, lines, from, to };
};
