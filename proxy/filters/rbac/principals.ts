/** Principal → predicate: who asks. Source: config.rbac.v3.Principal. What is not understood is refused, never guessed. */
import { ConfigError, inField } from '#api/config-error.ts';
import type { CidrRange, Principal } from '#envoy';
import { compileString } from '../../http/string-match.ts';
import { compileHeader, compileMetadata, compileRange, compileUrlPath } from './attributes.ts';
import { all, always, any, each, not, type Rule, type RuleScope, refused } from './rule.ts';

/** remote_ip is who the client is, x-forwarded-for included; the others are who is at the other end of the connection. */
const compileAddress = (field: 'remote_ip' | 'direct_remote_ip' | 'source_ip', range: CidrRange): Rule => {
  const within = inField(field, () => compileRange(range));
  if (field === 'remote_ip') return (_request, { downstream }) => within(downstream.remote.address);
  return (_request, { downstream }) => within((downstream.direct ?? downstream.remote).address);
};

type Authenticated = Extract<NonNullable<Principal['identifier']>, { $case: 'authenticated' }>['value'];

/** A peer is called by its URI names, its DNS names or its subject, and any of them may be meant; on plain text nobody is called anything. (Envoy 1.40) */
const compileAuthenticated = ({ principalName: name }: Authenticated): Rule => {
  if (!name) return (_request, { downstream }) => downstream.tls !== undefined || downstream.peerIdentity !== undefined;
  const test = inField('principal_name', () => compileString(name));
  return (_request, { downstream }) => {
    const { peerIdentity, tls } = downstream;
    if (peerIdentity !== undefined && test(peerIdentity)) return true;
    if (tls === undefined) return false;
    const { peer } = tls;
    return peer === undefined ? test('') : peer.uris.some(test) || peer.dnsNames.some(test) || test(peer.subject);
  };
};

/** Throws ConfigError with a path relative to the principal. */
export const compilePrincipal = (principal: Principal, scope: RuleScope): Rule => {
  const identifier = principal.identifier;
  if (!identifier) throw new ConfigError('identifier', 'is required');
  const one = (inner: Principal): Rule => compilePrincipal(inner, scope);
  switch (identifier.$case) {
    case 'andIds':
      return inField('and_ids', () => all(each('ids', identifier.value.ids, one)));
    case 'orIds':
      return inField('or_ids', () => any(each('ids', identifier.value.ids, one)));
    case 'notId':
      return not(inField('not_id', () => one(identifier.value)));
    case 'any':
      return identifier.value ? always : refused('any', 'must be true');
    case 'authenticated':
      return inField('authenticated', () => compileAuthenticated(identifier.value));
    case 'sourceIp':
      return compileAddress('source_ip', identifier.value);
    case 'directRemoteIp':
      return compileAddress('direct_remote_ip', identifier.value);
    case 'remoteIp':
      return compileAddress('remote_ip', identifier.value);
    case 'header':
      return compileHeader(identifier.value, scope);
    case 'urlPath':
      return compileUrlPath(identifier.value, scope);
    case 'metadata':
      return compileMetadata(identifier.value, scope);
    default:
      return refused(identifier.$case);
  }
};
