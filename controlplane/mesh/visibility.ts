/** exportTo: who may see what. Pure. */

/** exportTo: `.` the resource's own namespace, `*` all, or names; empty = all. */
export const isVisible = (exportTo: readonly string[] | undefined, resourceNamespace: string, viewerNamespace: string): boolean => {
  if (!exportTo?.length) return true;
  return exportTo.some((scope) => scope === '*' || scope === viewerNamespace || (scope === '.' && resourceNamespace === viewerNamespace));
};
