/** Short names, fully qualified names and wildcards. Source: istio pkg/config/host, pilot/pkg/model ResolveShortnameToFQDN. Pure. */

/** Suffix of every Kubernetes service. */
export const CLUSTER_SUFFIX = 'svc.cluster.local';

/** A name without a dot belongs to the namespace of the resource that uses it. */
export const resolveHost = (host: string, namespace: string): string => {
  const name = host.toLowerCase().replace(/\.$/, '');
  return name.includes('.') || name === '*' ? name : `${name}.${namespace}.${CLUSTER_SUFFIX}`;
};

/** `*.foo.com` covers `bar.foo.com` and `*.bar.foo.com`, not `foo.com`; `*` covers everything. */
export const hostCovers = (pattern: string, host: string): boolean => {
  if (pattern === '*' || pattern === host) return true;
  return pattern.startsWith('*.') && host.length > pattern.length - 1 && host.endsWith(pattern.slice(1));
};

/** More specific first: exact before wildcard, longer wildcard before shorter. */
export const bySpecificity = (a: string, b: string): number => {
  const wild = Number(a.startsWith('*')) - Number(b.startsWith('*'));
  return wild !== 0 ? wild : b.length - a.length;
};

/** Names by which a client in `clientNamespace` may call a host, for virtual host domains. */
export const domainsOf = (hostname: string, namespace: string, clientNamespace: string): string[] => {
  const suffix = `.${namespace}.${CLUSTER_SUFFIX}`;
  if (!hostname.endsWith(suffix)) return [hostname];
  const short = hostname.slice(0, -suffix.length);
  const own = namespace === clientNamespace ? [short] : [];
  return [hostname, ...own, `${short}.${namespace}.svc`, `${short}.${namespace}`];
};
