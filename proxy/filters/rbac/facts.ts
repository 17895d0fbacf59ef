/** What a denial is told with: exactly what the rules asked about, bounded, and nothing that opens a door. Metadata `dinghy.authz`. */
import type { SocketAddress } from '#system/network.ts';
import type { HttpRequest } from '../../http/message.ts';
import { bare } from './attributes.ts';
import type { Verdict } from './judge.ts';
import type { RuleScope, RuleStream } from './rule.ts';

/** Name space of the facts. */
export const FACTS = 'dinghy.authz';

const LONGEST_PATH = 2_048;
const LONGEST_TEXT = 256;
const MOST_VALUES = 16;
const MOST_NAMES = 32;

/** By value they would let the reader of a log in. */
const SECRET = new Set(['authorization', 'proxy-authorization', 'cookie', 'x-api-key', 'x-amz-security-token']);

const cut = (text: string, longest = LONGEST_TEXT): string => (text.length > longest ? `${text.slice(0, longest)}…` : text);

/** No values: the request did not have it. */
const headersOf = (request: HttpRequest, names: ReadonlySet<string>): Record<string, readonly string[] | 'present'> => {
  const told: [string, readonly string[] | 'present'][] = [];
  for (const name of [...names].slice(0, MOST_NAMES)) {
    const values = request.headers.getAll(name);
    told.push([name, values.length > 0 && SECRET.has(name) ? 'present' : values.slice(0, MOST_VALUES).map((value) => cut(value))]);
  }
  return Object.fromEntries(told);
};

/** null: there is none. Claims that are neither texts, numbers nor lists of them are only said to be there. */
const claimOf = (value: unknown): unknown => {
  if (typeof value === 'string') return cut(value);
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  return Array.isArray(value) ? value.slice(0, MOST_VALUES).map((item) => (typeof item === 'string' ? cut(item) : typeof item)) : 'present';
};

const claimsOf = ({ metadata }: RuleStream, paths: RuleScope['claims']): Record<string, unknown> => {
  const told: [string, unknown][] = [];
  for (const [name, path] of [...paths].slice(0, MOST_NAMES)) {
    let value: unknown = metadata?.['envoy.filters.http.jwt_authn'];
    for (const key of path)
      value =
        typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
    told.push([name, claimOf(value ?? null)]);
  }
  return Object.fromEntries(told);
};

const namespaceOf = (principal: string | undefined): string | undefined => /\/ns\/([^/]+)\/sa\//.exec(principal ?? '')?.[1];

const connectionFacts = ({ policy, action }: Verdict, { downstream }: RuleStream): Record<string, unknown> => {
  const principal = downstream.peerIdentity;
  const direct: SocketAddress = downstream.direct ?? downstream.remote;
  return {
    policy: policy ?? 'none',
    action,
    ...(principal !== undefined && { principal: cut(principal, LONGEST_PATH), namespace: namespaceOf(principal) }),
    sourceIp: direct.address,
    remoteIp: downstream.remote.address,
    destinationIp: downstream.local.address,
    port: downstream.local.port,
    ...(downstream.serverName !== undefined && { serverName: cut(downstream.serverName) }),
  };
};

/** Of a request. The query stays out: no rule reads it, and it may hold tokens. */
export const requestFacts = (
  verdict: Verdict,
  request: HttpRequest,
  stream: RuleStream,
  scope: RuleScope,
): Readonly<Record<string, unknown>> => ({
  ...connectionFacts(verdict, stream),
  method: cut(request.method),
  path: cut(bare(request.path), LONGEST_PATH),
  host: cut(request.authority),
  headers: headersOf(request, scope.headers),
  claims: claimsOf(stream, scope.claims),
});

/** Of a connection that carries no requests. */
export const openingFacts = (verdict: Verdict, stream: RuleStream): Readonly<Record<string, unknown>> => connectionFacts(verdict, stream);
