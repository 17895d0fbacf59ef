/** A host without a port: `Host: secret.com:8080` is another text, and no DENY of `secret.com` matches it. */
import type { StoreView } from '../../store/config-store.ts';
import type { Finding } from '../finding.ts';

const isBare = (host: string): boolean => !/[:*]/.test(host);

/** Only lists that keep somebody out: of DENY what is denied, of ALLOW what is excepted. */
export const bareHosts = (view: StoreView): readonly Finding[] =>
  view.of('AuthorizationPolicy').flatMap(({ resource }) => {
    const field = resource.spec.action === 'DENY' ? 'hosts' : (resource.spec.action ?? 'ALLOW') === 'ALLOW' ? 'notHosts' : undefined;
    if (field === undefined) return [];
    return (resource.spec.rules ?? []).flatMap(({ to = [] }, rule) =>
      to.flatMap(({ operation }, index): Finding[] => {
        const hosts = operation?.[field] ?? [];
        const bare = hosts.find((host) => isBare(host) && !hosts.includes(`${host}:*`));
        if (bare === undefined) return [];
        const path = `spec.rules[${rule}].to[${index}].operation.${field}`;
        const message = `${bare} does not stand for ${bare} with a port: add "${bare}:*"`;
        return [{ severity: 'warning', path, message, about: resource }];
      }),
    );
  });
