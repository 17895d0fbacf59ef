/** What a Gateway must obey beyond its shape. Messages follow istioctl validate. */
import { checkPort, fail, isHost, notApplied, repeated } from './checks.ts';
import type { GatewayServer, GatewaySpec } from './gateway.ts';
import type { Complaint } from './problem.ts';

const PROTOCOLS = ['HTTP', 'HTTPS', 'GRPC', 'GRPC-WEB', 'HTTP2', 'TCP', 'TLS', 'MONGO'];

/** Protocols of which this mesh opens a gateway's port. */
export const isGatewayHttp = (protocol: string | undefined): boolean => protocol?.toUpperCase() === 'HTTP';

/** Paths in the complaints start at `spec`. */
export const validateGateway = (spec: GatewaySpec): readonly Complaint[] => {
  const servers = spec.servers ?? [];
  if (servers.length === 0) return [fail('spec', 'gateway must have at least one server')];
  const complaints = servers.flatMap((server, index) => checkServer(server, `spec.servers[${index}]`));
  for (const name of repeated(servers.map((server) => server.port?.name ?? '').filter((name) => name !== ''))) {
    complaints.push(fail('spec.servers', `port names in servers must be unique: duplicate name ${name}`));
  }
  return complaints;
};

const checkServer = (server: GatewayServer, path: string): Complaint[] => {
  const { port, hosts, tls } = server;
  if (!port) return [fail(path, 'port is required')];
  const complaints = checkPort(port.number, `${path}.port.number`);
  const protocol = port.protocol?.toUpperCase();
  if (port.number === undefined) complaints.push(fail(`${path}.port`, 'port number is required'));
  if (protocol === undefined || !PROTOCOLS.includes(protocol))
    complaints.push(fail(`${path}.port.protocol`, `unsupported protocol: ${port.protocol ?? 'none given'}`));
  else if (!isGatewayHttp(protocol)) complaints.push(notApplied(`${path}.port.protocol`));
  if (!hosts?.length) complaints.push(fail(path, 'server config must contain at least one host'));
  for (const [index, host] of (hosts ?? []).entries()) {
    const name = host.includes('/') ? host.slice(host.indexOf('/') + 1) : host;
    if (!isHost(name)) complaints.push(fail(`${path}.hosts[${index}]`, `"${host.slice(0, 100)}" is not a valid host`));
  }
  if ((protocol === 'HTTPS' || protocol === 'TLS') && tls === undefined)
    complaints.push(fail(path, `server must have TLS settings for ${protocol} protocols`));
  if (tls !== undefined) complaints.push(notApplied(`${path}.tls`));
  for (const field of ['bind', 'defaultEndpoint'] as const)
    if (server[field] !== undefined) complaints.push(notApplied(`${path}.${field}`));
  return complaints;
};
