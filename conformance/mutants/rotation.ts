/** Switched-on bugs of certificates and roots that give way to others. */
import type { Mutant } from './mutant.ts';

const CLIENT = 'proxy/tls/certificate-client.ts';

/** In the order of their names. */
export const ROTATION_MUTANTS: readonly Mutant[] = [
  {
    id: 'MUT-NEW-ROOT-ALONE',
    wrong: 'while one root gives way to another only the one that signs is trusted',
    file: 'controlplane/ca/trust-bundle.ts',
    find: '[bundle.signing, bundle.other];',
    replace: '[bundle.signing];',
  },
  {
    id: 'MUT-NO-RENEWAL',
    wrong: 'a certificate is renewed when it has ended',
    file: CLIENT,
    find: 'const share = RENEW_AT * (1 + SPREAD * (2 * system.random.float() - 1));',
    replace: 'const share = 1;',
  },
  {
    id: 'MUT-OLD-KEY-SHOWN',
    wrong: 'new connections are shown the certificate and key of before',
    file: 'proxy/tls/live-context.ts',
    find: 'this.#current = context;',
    replace: 'this.#current ??= context;',
  },
  {
    id: 'MUT-PLAIN-TEXT-FALLBACK',
    wrong: 'a client without a certificate in force speaks plain text',
    file: 'proxy/tls/client-handshakes.ts',
    find: 'if (!context) throw this.#unready();',
    replace: 'if (!context) return async (connection) => connection;',
  },
  {
    id: 'MUT-RENEWAL-FAILURES-UNCOUNTED',
    wrong: 'requests for certificates that fail are not counted',
    file: CLIENT,
    find: 'this.#failures.value++;',
    replace: '',
  },
  {
    id: 'MUT-ROOT-NOT-PUSHED',
    wrong: 'a new root reaches proxies with the next other change only',
    file: 'controlplane/control-plane.ts',
    find: 'identity?.authority.onChange(() => queue.request());',
    replace: '',
  },
  {
    id: 'MUT-ROTATION-CUTS-STREAMS',
    wrong: 'a new certificate ends the connections that began with the old one',
    file: 'proxy/tls/server-context.ts',
    find: 'if (connection.tls) stats.succeeded(connection.tls);',
    replace: 'if (connection.tls) stats.succeeded(connection.tls); this.#settings.certificate?.onChange(() => connection.destroy());',
  },
];
