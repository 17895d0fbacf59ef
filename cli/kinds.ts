/** What people type for a kind: `vs`, `virtualservices`, `virtualservice.networking.istio.io`. Short names are those of kubectl. Pure. */

const SHORT_NAMES: Readonly<Record<string, string>> = {
  vs: 'VirtualService',
  dr: 'DestinationRule',
  gw: 'Gateway',
  se: 'ServiceEntry',
  we: 'WorkloadEntry',
  wg: 'WorkloadGroup',
  pa: 'PeerAuthentication',
  ra: 'RequestAuthentication',
  ap: 'AuthorizationPolicy',
  telemetry: 'Telemetry',
  svc: 'Service',
  sa: 'ServiceAccount',
  cm: 'ConfigMap',
  ns: 'Namespace',
  deploy: 'Deployment',
};

/** Kinds that may be named also when none of them is there. */
const KNOWN = [
  ...new Set(Object.values(SHORT_NAMES)),
  ...['Sidecar', 'EnvoyFilter', 'ProxyConfig', 'WasmPlugin', 'HTTPRoute', 'GRPCRoute', 'TCPRoute', 'GatewayClass'],
];

const plural = (kind: string): string => (kind.endsWith('y') ? `${kind.slice(0, -1)}ies` : `${kind}s`);

/** The kind that a word means. present: kinds of resources that are there. Throws when it means none. */
export const kindNamed = (word: string, present: readonly string[]): string => {
  const name = (word.split('.')[0] ?? '').toLowerCase();
  const short = Object.hasOwn(SHORT_NAMES, name) ? SHORT_NAMES[name] : undefined;
  const meant = short ?? [...present, ...KNOWN].find((kind) => [kind.toLowerCase(), plural(kind.toLowerCase())].includes(name));
  if (meant === undefined)
    throw new Error(`there is no kind "${word}"; kinds are ${[...new Set([...present, ...KNOWN])].sort().join(', ')}`);
  return meant;
};

/** A kind and the names of it; no names: all. */
export interface Wanted {
  readonly kind: string;
  readonly names: readonly string[];
}

/** `vs`, `vs reviews details` or `vs/reviews svc/details`; undefined for nothing or `all`. */
export const readWanted = (words: readonly string[], present: readonly string[]): readonly Wanted[] | undefined => {
  const [first, ...names] = words;
  if (first === undefined || (first === 'all' && names.length === 0)) return undefined;
  if (!words.some((word) => word.includes('/'))) return first.split(',').map((word) => ({ kind: kindNamed(word, present), names }));
  return words.map((word) => {
    const [kind = '', name = '', ...rest] = word.split('/');
    if (name === '' || rest.length > 0) throw new Error(`"${word}" is not KIND/NAME as the other words are`);
    return { kind: kindNamed(kind, present), names: [name] };
  });
};
