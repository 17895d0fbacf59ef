/** What a Gateway must obey beyond its shape. Messages follow istioctl validate. */
import { checkHosts, checkPort, fail, isDnsLabel, repeated, warn } from '../checks.ts';
import type { GatewayServer, GatewaySpec } from '../gateway.ts';
import type { Complaint } from '../problem.ts';

const PROTOCOLS = ['HTTP', 'HTTPS', 'GRPC', 'GRPC-WEB', 'HTTP2', 'TCP', 'TLS', 'MONGO'];
const PLAIN_HTTP = ['HTTP', 'HTTP2', 'GRPC', 'GRPC-WEB'];

/** Paths in the complaints start at `spec`. */
export const validateGateway = (spec: GatewaySpec): readonly Complaint[] => {
  const servers = spec.servers ?? [];
  if (servers.length === 0) return [fail('spec', 'gateway must have at least one server')];
  const complaints = servers.flatMap((server, index) => checkServer(server, `spec.servers[${index}]`));
  for (const name of repeated(servers.map((server) => server.port?.name ?? '').filter((name) => name !== '')))
    complaints.push(fail('spec.servers', `port names in servers must be unique: duplicate name ${name}`));
  return complaints;
};

const checkServer = ({ port, hosts = [], tls }: GatewayServer, path: string): Complaint[] => {
  const complaints = hosts.flatMap((host, index) => checkServerHost(host, `${path}.hosts[${index}]`));
  if (hosts.length === 0) complaints.push(fail(path, 'server config must contain at least one host'));
  if (!port) return [...complaints, fail(path, 'port is required')];
  const protocol = port.protocol?.toUpperCase() ?? '';
  if (port.number === undefined) complaints.push(fail(`${path}.port`, 'port number is required'));
  complaints.push(...checkPort(port.number, `${path}.port.number`), ...checkTls(tls, protocol, path));
  return PROTOCOLS.includes(protocol)
    ? complaints
    : [...complaints, fail(`${path}.port.protocol`, `unsupported protocol: ${port.protocol ?? 'none given'}`)];
};

/** `dns`, `ns/dns`, `./dns` or `*` + `/dns`. */
const checkServerHost = (host: string, path: string): Complaint[] => {
  const [scope, name] = host.includes('/') ? host.split('/', 2) : ['*', host];
  const complaints = checkHosts([name ?? ''], path).map((complaint) => ({ ...complaint, path }));
  return scope === '*' || scope === '.' || isDnsLabel(scope ?? '')
    ? complaints
    : [...complaints, fail(path, `"${(scope ?? '').slice(0, 70)}" is neither ".", "*" nor a namespace`)];
};

const checkTls = (tls: GatewayServer['tls'], protocol: string, path: string): Complaint[] => {
  const isTls = protocol === 'HTTPS' || protocol === 'TLS';
  if (!tls) return isTls ? [fail(path, 'server must have TLS settings for HTTPS/TLS protocols')] : [];
  const { httpsRedirect, mode, credentialName, credentialNames, tlsCertificates, caCertificates, caCertCredentialName } = tls;
  if (PLAIN_HTTP.includes(protocol)) {
    const others = Object.keys(tls).filter((field) => field !== 'httpsRedirect');
    return others.length > 0 ? [fail(`${path}.tls`, 'server cannot have TLS settings for plain text HTTP ports')] : [];
  }
  const complaints = httpsRedirect ? [warn(`${path}.tls.httpsRedirect`, 'tls.httpsRedirect should only be used with http servers')] : [];
  const isMutual = mode === 'MUTUAL' || mode === 'OPTIONAL_MUTUAL';
  if (credentialName || credentialNames?.length || tlsCertificates?.length) return complaints;
  if (isMutual && !caCertificates && !caCertCredentialName) complaints.push(fail(`${path}.tls`, `${mode} TLS requires a client CA bundle`));
  if (isMutual || mode === 'SIMPLE') {
    if (!tls.serverCertificate) complaints.push(fail(`${path}.tls`, `${mode} TLS requires a server certificate`));
    if (!tls.privateKey) complaints.push(fail(`${path}.tls`, `${mode} TLS requires a private key`));
  }
  return complaints;
};
