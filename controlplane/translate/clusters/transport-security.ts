/** How a cluster's connections are made safe. Pure. */
import { accountsBehind } from '../endpoints/endpoints.ts';
import { automaticSockets, hasIdentity, identitiesOf, meshClientTls, ownClientTls } from '../tls-contexts.ts';
import { isPassthrough, type OutboundInput } from './cluster-input.ts';
import { isUpgraded } from './connection-pool.ts';

/** What a DestinationRule says; else mutual TLS with every endpoint that can. A rule without a word on TLS leaves that as it is. */
export const transportSecurity = (input: OutboundInput) => {
  const { mesh, service, policy, caller } = input;
  const { tls } = policy;
  if (tls?.mode === 'DISABLE') return {};
  if (tls?.mode === 'SIMPLE' || tls?.mode === 'MUTUAL') {
    const names = identitiesOf(mesh.config, accountsBehind(mesh, service));
    return { transportSocket: ownClientTls(tls, { host: service.hostname, names }) };
  }
  if (tls?.mode === 'ISTIO_MUTUAL') return { transportSocket: mutualTls(input) };
  const canBoth = hasIdentity(caller.labels) && mesh.config.enableAutoMtls && !isPassthrough(service, policy);
  return canBoth && accountsBehind(mesh, service).length > 0 ? { transportSocketMatches: automaticSockets(mutualTls(input)) } : {};
};

/** What TLS agrees on must be what is spoken then; where the caller decides, nothing is agreed on but that both are of the mesh. */
const spokenBy = (pool: OutboundInput['policy']['connectionPool'], protocol: 'http' | 'tcp') => {
  if (pool?.http?.useClientProtocol) return 'any';
  return isUpgraded(pool) ? 'http2' : protocol;
};

const mutualTls = ({ mesh, service, port, subset, policy }: OutboundInput) =>
  meshClientTls(mesh.config, {
    sni: policy.tls?.sni || `outbound_.${port.number}_.${subset ?? ''}_.${service.hostname}`,
    names: policy.tls?.subjectAltNames ?? [],
    accounts: accountsBehind(mesh, service),
    protocol: spokenBy(policy.connectionPool, port.protocol),
  });
