/** What came, in the words in which policies ask about it. Pure. */
import type { CallFacts } from '#api/story.ts';

/** What is told where nothing is known. */
export const NOT_RECORDED = 'not recorded';

/** What is told where there was nothing. */
export const NONE = 'none';

const PRINCIPAL = /^spiffe:\/\/([^/]+)(?:.*\/ns\/([^/]+))?(?:.*\/sa\/([^/]+))?/;

const identity = ({ principal }: CallFacts, of: (parts: RegExpExecArray, whole: string) => string | undefined): string => {
  if (principal === undefined) return NOT_RECORDED;
  const parts = PRINCIPAL.exec(principal);
  return parts ? (of(parts, principal) ?? NONE) : NONE;
};

const known = (value: string | number | undefined): string => (value === undefined ? NOT_RECORDED : value === '' ? NONE : String(value));

const claimText = (name: string, { claims }: CallFacts): string => {
  if (!claims || !Object.hasOwn(claims, name)) return NOT_RECORDED;
  const value = claims[name];
  if (value === null) return NONE;
  return Array.isArray(value) ? value.join(', ') : String(value);
};

const requestPrincipal = (facts: CallFacts): string => {
  const [issuer, subject] = [claimText('iss', facts), claimText('sub', facts)];
  return issuer === NOT_RECORDED ? NOT_RECORDED : issuer === NONE ? NONE : `${issuer}/${subject === NONE ? '' : subject}`;
};

const FIELDS: Readonly<Record<string, (facts: CallFacts) => string>> = {
  principals: (facts) => identity(facts, (_, whole) => whole.slice('spiffe://'.length)),
  namespaces: (facts) => identity(facts, ([, , namespace]) => namespace),
  serviceAccounts: (facts) =>
    identity(facts, ([, , namespace, account]) => (account === undefined ? undefined : `${namespace}/${account}`)),
  trustDomains: (facts) => identity(facts, ([, domain]) => domain),
  requestPrincipals: requestPrincipal,
  ipBlocks: ({ sourceIp }) => known(sourceIp),
  remoteIpBlocks: ({ remoteIp }) => known(remoteIp),
  hosts: ({ host }) => known(host),
  methods: ({ method }) => known(method),
  paths: ({ path }) => known(path),
  ports: ({ port }) => known(port),
};

/** Of a field of a source or an operation. */
export const actualOf = (field: string, facts: CallFacts): string => FIELDS[field]?.(facts) ?? NOT_RECORDED;

const CONDITIONS: Readonly<Record<string, (facts: CallFacts) => string>> = {
  'source.principal': (facts) => actualOf('principals', facts),
  'source.namespace': (facts) => actualOf('namespaces', facts),
  'source.serviceAccount': (facts) => actualOf('serviceAccounts', facts),
  'source.trustDomain': (facts) => actualOf('trustDomains', facts),
  'source.ip': ({ sourceIp }) => known(sourceIp),
  'remote.ip': ({ remoteIp }) => known(remoteIp),
  'destination.ip': ({ destinationIp }) => known(destinationIp),
  'destination.port': ({ port }) => known(port),
  'connection.sni': ({ serverName }) => known(serverName),
  'request.auth.principal': requestPrincipal,
  'request.auth.audiences': (facts) => claimText('aud', facts),
  'request.auth.presenter': (facts) => claimText('azp', facts),
};

/** Of a key of `when`. */
export const conditionActual = (key: string, facts: CallFacts): string => {
  if (Object.hasOwn(CONDITIONS, key)) return CONDITIONS[key]?.(facts) ?? NOT_RECORDED;
  const inside = /^(request\.headers|request\.auth\.claims)\[(.*)\]$/.exec(key);
  if (!inside) return NOT_RECORDED;
  const [, what, name = ''] = inside;
  if (what === 'request.auth.claims') return claimText(name, facts);
  const values = facts.headers && Object.hasOwn(facts.headers, name.toLowerCase()) ? facts.headers[name.toLowerCase()] : undefined;
  if (values === undefined) return NOT_RECORDED;
  return values === 'present' ? 'present' : values.length === 0 ? NONE : values.join(', ');
};
