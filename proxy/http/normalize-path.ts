/** Paths made comparable before anybody matches them: RFC 3986 dot segments, unreserved escapes, backslashes. Query untouched. */

/** What to do beyond RFC 3986. */
export interface PathRules {
  readonly normalize: boolean;
  readonly mergeSlashes: boolean;
  readonly escapedSlashes: 'keep' | 'reject' | 'unescape' | 'unescape-redirect';
}

const hexValue = (code: number): number =>
  code >= 48 && code <= 57 ? code - 48 : code >= 65 && code <= 70 ? code - 55 : code >= 97 && code <= 102 ? code - 87 : -1;

const isUnreserved = (code: number): boolean =>
  (code >= 97 && code <= 122) ||
  (code >= 65 && code <= 90) ||
  (code >= 48 && code <= 57) ||
  code === 45 ||
  code === 46 ||
  code === 95 ||
  code === 126;

/** Escapes of unreserved characters become those characters, once; undefined when the path carries a NUL. */
const unescapeUnreserved = (path: string): string | undefined => {
  if (!path.includes('%')) return path;
  let out = '';
  for (let i = 0; i < path.length; i++) {
    const value = path[i] === '%' ? hexValue(path.charCodeAt(i + 1)) * 16 + hexValue(path.charCodeAt(i + 2)) : -1;
    if (value === 0) return undefined;
    if (value > 0 && isUnreserved(value)) {
      out += String.fromCharCode(value);
      i += 2;
    } else out += path[i];
  }
  return out;
};

const removeDotSegments = (path: string): string | undefined => {
  const kept: string[] = [];
  const segments = path.split('/');
  for (const [index, segment] of segments.entries()) {
    if (index === 0) continue;
    const last = index === segments.length - 1;
    // A dot segment with a parameter ("..;") is read as ".." by some backends and as a name by others.
    if (segment.startsWith('..;') || segment.startsWith('.;')) return undefined;
    if (segment === '..') {
      kept.pop();
      if (last) kept.push('');
    } else if (segment === '.') {
      if (last) kept.push('');
    } else kept.push(segment);
  }
  return `/${kept.join('/')}`;
};

const needsWork = (path: string, rules: PathRules): boolean => {
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i);
    if (code === 63) return false;
    if (code === 37 || code === 92 || code > 126) return true;
    if (code === 47 && i > 0) {
      const next = path.charCodeAt(i + 1);
      if (next === 46 || (next === 47 && rules.mergeSlashes)) return true;
    }
    if (i === 0 && (path.charCodeAt(1) === 46 || (rules.mergeSlashes && path.charCodeAt(1) === 47))) return true;
  }
  return false;
};

/** The path as matchers and upstream shall see it; undefined: refuse with 400. `redirect` = where to send the client instead. */
export const normalizePath = (target: string, rules: PathRules): { readonly path: string; readonly redirect?: true } | undefined => {
  if (!target.startsWith('/') || !needsWork(target, rules)) return { path: target };
  const mark = target.indexOf('?');
  const query = mark < 0 ? '' : target.slice(mark);
  let path = mark < 0 ? target : target.slice(0, mark);
  let redirect = false;
  if (rules.escapedSlashes !== 'keep' && /%(?:2f|5c)/i.test(path)) {
    if (rules.escapedSlashes === 'reject') return undefined;
    path = path.replace(/%2f/gi, '/').replace(/%5c/gi, '\\');
    redirect = rules.escapedSlashes === 'unescape-redirect';
  }
  if (rules.normalize) {
    const plain = unescapeUnreserved(path);
    const resolved = plain === undefined ? undefined : removeDotSegments(plain.replaceAll('\\', '/'));
    if (resolved === undefined) return undefined;
    path = resolved;
  }
  if (rules.mergeSlashes) path = path.replace(/\/{2,}/g, '/');
  return redirect ? { path: path + query, redirect } : { path: path + query };
};
