/** A DENY that names whole paths: `/admin/`, `/Admin` and `/admin.` are other paths, and pass. */
import type { StoreView } from '../../store/config-store.ts';
import type { Finding } from '../finding.ts';

const isExact = (path: string): boolean => !/[*{]/.test(path);

/** One finding a list. */
export const exactDenials = (view: StoreView): readonly Finding[] =>
  view.of('AuthorizationPolicy').flatMap(({ resource }) => {
    if (resource.spec.action !== 'DENY') return [];
    return (resource.spec.rules ?? []).flatMap(({ to = [] }, rule) =>
      to.flatMap(({ operation }, index): Finding[] => {
        const paths = operation?.paths ?? [];
        if (paths.length === 0 || !paths.every(isExact)) return [];
        const path = `spec.rules[${rule}].to[${index}].operation.paths`;
        const message = `DENY of exact paths lets every other spelling pass, as ${paths[0]}/; deny the prefix "${paths[0]}*", or ALLOW what may be asked`;
        return [{ severity: 'info', path, message, about: resource }];
      }),
    );
  });
