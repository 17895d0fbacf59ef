/** Beside an Envoy: keeps its workload's certificate, and serves it by SDS on a socket, so that the key never leaves the machine. */
import { parseArgs } from 'node:util';
import { ConfigError } from '#api/config-error.ts';
import { realSystem } from '#system/real-system.ts';
import { readIdentityFile } from './identity-file.ts';
import { CertificateClient } from './tls/certificate-client.ts';
import { OWN_SECRET, ownSecret, SdsServer, trustBundleSecret } from './xds/sds-server.ts';

const USAGE = `Gets a workload's certificate, renews it, and serves it to an Envoy as the SDS secret default, beside the roots, ROOTCA:

  --identity FILE   who the workload is and which authority certifies it, as JSON
  --socket PATH     where Envoy finds it (a pipe address); readable by its owner only
  --log-path FILE   where the log goes; standard output when absent
  -h, --help        this text
`;

const run = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      identity: { type: 'string' },
      socket: { type: 'string' },
      'log-path': { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  if (values.identity === undefined || values.socket === undefined) throw new ConfigError('', 'both --identity and --socket are needed');
  const logPath = values['log-path'];
  const system = realSystem({ logLevel: 'info', ...(logPath !== undefined && { logPath }) });
  process.on('exit', () => system.flush());
  const identity = await readIdentityFile(values.identity, system.clock);
  const server = new SdsServer(system.log);
  await server.listen(values.socket);
  const client = new CertificateClient({
    ...identity,
    system,
    put: (secret) => {
      if (!secret) return server.withdraw(OWN_SECRET);
      server.put(ownSecret(secret));
      // With each certificate, as the authority keeps the file up to date.
      identity.roots().then(
        (roots) => server.put(trustBundleSecret(roots)),
        (error: unknown) => system.log.error('agent.roots-unreadable', { reason: String(error) }),
      );
    },
  });
  client.start();
  system.log.info('agent.listening', { socket: values.socket, spiffeId: identity.spiffeId });
  const leave = async (): Promise<void> => {
    client.close();
    await server.close();
    process.exit(0);
  };
  process.on('SIGTERM', leave).on('SIGINT', leave);
};

run().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
